#![allow(clippy::unwrap_used)]

use super::http::{self, Http, MAX_ANSWER_BYTES};
use super::{P1Error, Stream, Telegram, TelegramError};
use crate::clock::Clock;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

fn telegram(wh: u32) -> String {
    Telegram::seal(&format!(
        "/XMX5LG\r\n\r\n1-0:2.8.0({:06}.{:03}*kWh)\r\n",
        wh / 1000,
        wh % 1000
    ))
}

fn energy(arrived: &super::Arrived) -> Option<i64> {
    super::Registers::read(&arrived.telegram)
        .unwrap()
        .export_mwh
}

/// An adapter that sends what it is told, one connection per channel message list; an empty text hangs up.
async fn adapter() -> (u16, mpsc::Sender<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (say, mut said) = mpsc::channel::<String>(16);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            while let Some(text) = said.recv().await {
                if text.is_empty() || stream.write_all(text.as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    (port, say)
}

/// Says `text` again and again until the stream answers as wanted: what was said before may come first.
async fn until(
    stream: &Stream,
    say: &mpsc::Sender<String>,
    text: String,
    wanted: impl Fn(&Result<Option<i64>, P1Error>) -> bool,
) {
    let repeat = {
        let say = say.clone();
        tokio::spawn(async move {
            while say.send(text.clone()).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
    };
    let answered = tokio::time::timeout(Duration::from_secs(20), async {
        while !wanted(&stream.next().await.map(|arrived| energy(&arrived))) {}
    });
    answered.await.expect("not answered as wanted in time");
    repeat.abort();
}

#[tokio::test]
async fn telegrams_of_a_stream_are_taken_as_they_come_and_spoilt_ones_told() {
    let (port, say) = adapter().await;
    let stream = Stream::open("127.0.0.1".to_owned(), port, Clock::default());
    until(&stream, &say, telegram(1), |answer| {
        *answer == Ok(Some(1000))
    })
    .await;
    let spoilt = telegram(2).replace(".002", ".003");
    until(&stream, &say, spoilt, |answer| {
        matches!(
            answer,
            Err(P1Error::Telegram(TelegramError::Checksum { .. }))
        )
    })
    .await;
    until(&stream, &say, telegram(3), |answer| {
        *answer == Ok(Some(3000))
    })
    .await;
}

#[tokio::test]
async fn a_stream_connects_again_when_the_adapter_hangs_up() {
    let (port, say) = adapter().await;
    let stream = Stream::open("127.0.0.1".to_owned(), port, Clock::default());
    until(&stream, &say, telegram(1), |answer| {
        *answer == Ok(Some(1000))
    })
    .await;
    until(&stream, &say, String::new(), |answer| {
        matches!(answer, Err(P1Error::Connection(_)))
    })
    .await;
    until(&stream, &say, telegram(5), |answer| {
        *answer == Ok(Some(5000))
    })
    .await;
}

/// Answers every request with `answer`.
async fn web(answer: String) -> reqwest::Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://127.0.0.1:{port}/api/v1/telegram?token=secret")
        .parse()
        .unwrap()
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

async fn ask(answer: String) -> Result<Option<i64>, P1Error> {
    let http = Http::new(web(answer).await, Clock::default()).unwrap();
    http.next().await.map(|arrived| energy(&arrived))
}

#[tokio::test]
async fn a_telegram_is_read_over_http_as_text_and_as_lines() {
    assert_eq!(ask(ok(&telegram(7))).await, Ok(Some(7000)));
    let text = telegram(8);
    let lines: Vec<&str> = text.lines().collect();
    let json = serde_json::json!({"data": lines}).to_string();
    assert_eq!(ask(ok(&json)).await, Ok(Some(8000)));
}

#[tokio::test]
async fn an_answer_over_http_that_is_no_telegram_is_an_error() {
    assert_eq!(
        ask("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned()).await,
        Err(P1Error::Status(404))
    );
    assert_eq!(ask(ok("{}")).await, Err(P1Error::Json));
    assert_eq!(
        ask(ok("<html>")).await,
        Err(P1Error::Telegram(TelegramError::NoStart))
    );
    let redirect = "HTTP/1.1 302 Found\r\nlocation: http://192.0.2.1/\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(ask(redirect.to_owned()).await, Err(P1Error::Status(302)));
}

#[tokio::test]
async fn an_answer_may_be_as_long_as_the_limit_and_no_longer() {
    let padded = |bytes: usize| {
        let telegram = telegram(1);
        ok(&format!("{}{telegram}", " ".repeat(bytes - telegram.len())))
    };
    assert_eq!(ask(padded(MAX_ANSWER_BYTES)).await, Ok(Some(1000)));
    assert_eq!(
        ask(padded(MAX_ANSWER_BYTES + 1)).await,
        Err(P1Error::TooLong)
    );
}

#[tokio::test]
async fn what_is_said_of_a_failure_holds_no_query_of_the_address() {
    let url = "http://127.0.0.1:1/telegram?token=secret".parse().unwrap();
    let error = Http::new(url, Clock::default())
        .unwrap()
        .next()
        .await
        .unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
    let _ = http::parse(b"{\"data\": [1]}").unwrap_err();
}
