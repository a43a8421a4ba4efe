//! gRPC over HTTP/2: messages behind five bytes each, the outcome in the trailers.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Response};
use prost::Message;

/// All messages of a request.
pub async fn messages<M: Message + Default>(mut body: RecvStream) -> Option<Vec<M>> {
    let mut bytes = BytesMut::new();
    while let Some(data) = body.data().await {
        let data = data.ok()?;
        body.flow_control().release_capacity(data.len()).ok()?;
        bytes.extend_from_slice(&data);
    }
    let mut messages = Vec::new();
    while bytes.len() >= 5 {
        bytes.advance(1);
        let length = bytes.get_u32() as usize;
        messages.push(M::decode(bytes.split_to(length)).ok()?);
    }
    Some(messages)
}

fn framed(message: &impl Message) -> Bytes {
    let mut bytes = BytesMut::with_capacity(5 + message.encoded_len());
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(message.encoded_len()).unwrap());
    message.encode(&mut bytes).unwrap();
    bytes.freeze()
}

/// An answer that has begun. Errors on the way mean that nobody listens any more.
pub struct Answer(SendStream<Bytes>);

impl Answer {
    pub fn begin(mut respond: SendResponse<Bytes>) -> Option<Self> {
        let response = Response::builder()
            .header("content-type", "application/grpc")
            .body(())
            .unwrap();
        respond.send_response(response, false).ok().map(Self)
    }

    pub fn send(&mut self, message: &impl Message) -> Option<()> {
        self.0.send_data(framed(message), false).ok()
    }

    pub fn end(mut self) {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "0".parse().unwrap());
        let _ = self.0.send_trailers(trailers);
    }

    pub fn reset(mut self) {
        self.0.send_reset(Reason::INTERNAL_ERROR);
    }
}

/// One message, and that is all.
pub fn answer(respond: SendResponse<Bytes>, message: &impl Message) {
    if let Some(mut answer) = Answer::begin(respond)
        && answer.send(message).is_some()
    {
        answer.end();
    }
}

/// A status other than OK, with further headers.
pub fn refuse(mut respond: SendResponse<Bytes>, status: u8, headers: &[(&'static str, String)]) {
    let mut response = Response::builder()
        .header("content-type", "application/grpc")
        .header("grpc-status", status.to_string());
    for (name, value) in headers {
        response = response.header(*name, value);
    }
    let _ = respond.send_response(response.body(()).unwrap(), true);
}
