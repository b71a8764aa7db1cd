"""A workflow that is signalled and asked while it runs."""

from temporalio import workflow


@workflow.defn
class Basket:
    """Collects articles until it is checked out."""

    def __init__(self) -> None:
        """Begins empty."""
        self._articles: list[str] = []
        self._is_checked_out = False

    @workflow.run
    async def run(self) -> list[str]:
        """Returns what is in it in the end."""
        await workflow.wait_condition(lambda: self._is_checked_out)
        return self._articles

    @workflow.signal
    def put(self, article: str) -> None:
        """Puts an article in."""
        self._articles.append(article)

    @workflow.signal
    def check_out(self) -> None:
        """Ends it."""
        self._is_checked_out = True

    @workflow.query
    def count(self) -> int:
        """Returns how many articles are in it."""
        return len(self._articles)
