"""The style sheet of the page, for light and for dark."""

from __future__ import annotations

CSS = """
:root { color-scheme: light dark; --fg: #1d2330; --bg: #fff; --dim: #667085; --line: #e4e7ec;
  --good: #2e9e5b; --bad: #d92d20; --off: #98a2b3; --open: #2f6fed; --task: #b3bccb;
  --soft: #f7f8fa; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6e8ee; --bg: #14171f; --dim: #98a2b3;
  --line: #2c3240; --good: #3fb871; --bad: #f97066; --off: #667085; --open: #6ea0ff;
  --task: #4a5468; --soft: #1b1f2a; } }
body { font: 14px/1.5 system-ui, sans-serif; color: var(--fg); background: var(--bg);
  max-width: 1080px; margin: 24px auto 80px; padding: 0 20px; }
h1 { font-size: 20px; margin: 0; } h2 { font-size: 15px; margin: 0; display: inline; }
h3 { font-size: 14px; margin: 0; font-weight: 500; overflow-wrap: anywhere; }
.index { max-height: 60vh; overflow: auto; margin: 16px 0 32px; }
table { border-collapse: collapse; width: 100%; }
th:first-child { width: 70px; } th.number { width: 80px; }
td, th { text-align: left; padding: 3px 12px 3px 0; border-bottom: 1px solid var(--line);
  vertical-align: top; overflow-wrap: anywhere; }
th { color: var(--dim); font-weight: 500; } .number { text-align: right; white-space: nowrap; }
a { color: inherit; text-decoration-color: var(--dim); }
bdi { unicode-bidi: isolate; }
.badge { display: inline-block; min-width: 62px; text-align: center; border-radius: 4px;
  padding: 0 6px; font-size: 12px; line-height: 18px; color: #fff; background: var(--off);
  white-space: nowrap; }
.badge.good { background: var(--good); } .badge.bad { background: var(--bad); }
.badge.open { background: var(--open); }
@media (prefers-color-scheme: dark) { .badge { color: #14171f; } }
details { border: 1px solid var(--line); border-radius: 8px; margin: 10px 0; }
details > summary { cursor: pointer; padding: 8px 12px; overflow-wrap: anywhere; }
details details { border: 0; margin: 4px 0 0; } details details > summary { padding: 0; }
details > div { padding: 0 12px 12px; }
section { background: var(--soft); border-radius: 6px; padding: 10px 12px; margin: 10px 0;
  overflow-x: auto; }
section:target { outline: 2px solid var(--open); }
.dim, .m { color: var(--dim); fill: var(--dim); }
.why { color: var(--bad); margin: 2px 0; overflow-wrap: anywhere; }
pre { font-size: 12px; line-height: 1.4; overflow: auto; max-height: 480px; margin: 0;
  background: var(--soft); border-radius: 6px; padding: 10px 12px; }
svg { display: block; margin-top: 6px; font-size: 12px; }
svg text { fill: var(--fg); unicode-bidi: isolate; } svg .m, svg .tick { fill: var(--dim); }
svg .tick { font-size: 11px; text-anchor: middle; }
svg .grid { stroke: var(--line); fill: none; }
svg text a { text-decoration: underline; }
.good { fill: var(--good); } .bad { fill: var(--bad); } .off { fill: var(--off); }
.open { fill: var(--open); }
path.open { fill-opacity: .25; stroke: var(--open); stroke-width: 1.5; }
.task { fill: var(--task); }
.waits { fill: var(--off); fill-opacity: .4; } .retried { fill: var(--bad); fill-opacity: .35; }
svg .is-bad, svg .note { fill: var(--bad); } svg .is-open { fill: var(--open); }
svg .note { font-size: 11px; } svg .is-good, svg .is-off { fill: var(--dim); }
.key span { margin-right: 16px; }
.key svg { display: inline; vertical-align: -2px; margin: 0 4px 0 0; }
""".strip()
