//! How gRPC packs a message and words an error: five bytes before each message, percent-encoding in `grpc-message`.
//!
//! Invariant: whatever bytes come, the outcome is a value or an error, never a panic, and nothing is allocated for a
//! length that was only announced.

use bytes::{BufMut as _, Bytes, BytesMut};
use http::HeaderMap;
use prost::Message;

use super::status::{RpcError, Status};

/// Length of what stands before a message: one byte "compressed?", four bytes length.
pub(super) const PREFIX: usize = 5;

/// Packs one message.
pub(super) fn pack(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut packed = BytesMut::with_capacity(PREFIX + length);
    packed.put_u8(0);
    packed.put_u32(u32::try_from(length).expect("our requests are far below 4 GiB"));
    message
        .encode(&mut packed)
        .expect("the buffer was made large enough");
    packed.freeze()
}

/// Unpacks the body of a unary answer, which is exactly one message.
pub(super) fn unpack<M: Message + Default>(body: &[u8]) -> Result<M, RpcError> {
    let Some((&[compressed, a, b, c, d], message)) = body.split_first_chunk::<PREFIX>() else {
        return Err(garbled("no message in the answer"));
    };
    if compressed != 0 {
        return Err(garbled("a compressed message that was not asked for"));
    }
    if usize::try_from(u32::from_be_bytes([a, b, c, d])) != Ok(message.len()) {
        return Err(garbled("a message of another length than announced"));
    }
    M::decode(message).map_err(garbled)
}

/// Reads the status out of trailers (or of headers, where the server sent nothing else).
///
/// `None`: there is no status in them.
pub(super) fn outcome(headers: &HeaderMap) -> Option<Result<(), RpcError>> {
    let code = headers.get("grpc-status")?.to_str().ok();
    let Some(code) = code.and_then(|text| text.parse().ok()) else {
        return Some(Err(garbled("a grpc-status that is no number")));
    };
    if Status(code) == Status::OK {
        return Some(Ok(()));
    }
    let message = headers.get("grpc-message");
    Some(Err(RpcError {
        status: Some(Status(code)),
        message: percent_decode(message.map_or(b"", |value| value.as_bytes())),
    }))
}

/// Undoes percent-encoding; what is not properly encoded stays as it is, for an error text must never be lost.
pub(super) fn percent_decode(text: &[u8]) -> String {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((&first, after)) = rest.split_first() {
        let escaped = match (first, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = escaped {
            decoded.push(high << 4 | low);
            rest = &after[2..];
        } else {
            decoded.push(first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

fn garbled(cause: impl std::fmt::Display) -> RpcError {
    RpcError::transport("the answer makes no sense", cause)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::temporal::proto::{
        DescribeNamespaceRequest, ListNamespacesResponse, ListSearchAttributesResponse,
    };

    proptest! {
        #[test]
        fn what_is_packed_can_be_unpacked(namespace in ".*") {
            let message = DescribeNamespaceRequest { namespace };
            prop_assert_eq!(unpack::<DescribeNamespaceRequest>(&pack(&message)), Ok(message));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes: Vec<u8>, message: Vec<u8>) {
            drop(unpack::<ListNamespacesResponse>(&bytes));
            let length = u32::try_from(message.len()).unwrap().to_be_bytes();
            let framed = [&[0], &length[..], &message].concat();
            drop(unpack::<ListNamespacesResponse>(&framed));
            drop(unpack::<ListSearchAttributesResponse>(&framed));
        }

        #[test]
        fn a_cut_answer_is_an_error(namespace in ".+", cut: prop::sample::Index) {
            let whole = pack(&DescribeNamespaceRequest { namespace });
            let part = &whole[..cut.index(whole.len())];
            prop_assert!(unpack::<DescribeNamespaceRequest>(part).is_err());
        }

        #[test]
        fn percent_encoding_is_undone(text in ".*") {
            let escape = |byte| format!("%{byte:02X}").into_bytes();
            let encoded: Vec<u8> = text.bytes().flat_map(escape).collect();
            prop_assert_eq!(percent_decode(&encoded), text);
        }

        #[test]
        fn plain_text_stays_as_it_is(text in "[^%]*") {
            prop_assert_eq!(percent_decode(text.as_bytes()), text);
        }

        #[test]
        fn no_error_text_makes_it_panic(text: Vec<u8>) {
            drop(percent_decode(&text));
        }
    }

    #[test]
    fn broken_escapes_are_kept() {
        for text in ["100%", "%", "%4", "%zz", "%+1", "a%%20"] {
            assert_eq!(percent_decode(text.as_bytes()), text.replace("%20", " "));
        }
    }

    #[test]
    fn status_and_message_come_from_the_trailers() {
        let mut headers = HeaderMap::new();
        assert_eq!(outcome(&headers), None);
        headers.insert("grpc-status", "0".parse().unwrap());
        assert_eq!(outcome(&headers), Some(Ok(())));
        headers.insert("grpc-status", "5".parse().unwrap());
        headers.insert("grpc-message", "no such%20namespace".parse().unwrap());
        let error = outcome(&headers).unwrap().unwrap_err();
        assert_eq!(error.to_string(), "NOT_FOUND: no such namespace");
        headers.insert("grpc-status", "five".parse().unwrap());
        assert_eq!(outcome(&headers).unwrap().unwrap_err().status, None);
    }
}
