//! A small HTTP server that answers in AWS's documented shapes as a test tells it to, and records the
//! requests.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use headgate_aws::Access;
use url::form_urlencoded;

/// The id of each answer.
pub const REQUEST_ID: &str = "33333333-4444-5555";

/// What was asked.
#[derive(Clone, Debug)]
pub struct Request {
    /// Method and target.
    pub line: String,
    pub headers: String,
    pub body: String,
    /// The parameters of the body.
    pub parameters: HashMap<String, String>,
}

impl Request {
    /// `GetRole` or another; the path for requests without a query.
    pub fn action(&self) -> &str {
        match self.parameters.get("Action") {
            Some(action) => action,
            None => self.line.split(' ').nth(1).unwrap_or_default(),
        }
    }
}

/// Status and body.
pub type Answer = (u16, String);

/// The server; it ends with the process.
#[derive(Clone)]
pub struct Canned {
    pub address: String,
    pub asked: Arc<Mutex<Vec<Request>>>,
}

impl Canned {
    pub fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").expect("a port"), answer)
    }

    pub fn on(
        listener: TcpListener,
        answer: impl Fn(&Request) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (answer, kept) = (Arc::new(answer), Arc::clone(&asked));
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, kept) = (Arc::clone(&answer), Arc::clone(&kept));
                thread::spawn(move || serve(&stream, &*answer, &kept));
            }
        });
        Self { address, asked }
    }

    /// Reaches this server with what the environment has for credentials.
    pub fn access(&self) -> Access {
        Access { endpoint: Some(self.address.clone()), ..Access::default() }
    }

    /// The actions so far, in order.
    pub fn actions(&self) -> Vec<String> {
        let asked = self.asked.lock().expect("what was asked");
        asked.iter().map(|request| request.action().to_owned()).collect()
    }

    /// The last request with this action.
    pub fn last(&self, action: &str) -> Request {
        let asked = self.asked.lock().expect("what was asked");
        let found = asked.iter().rev().find(|request| request.action() == action);
        found.unwrap_or_else(|| panic!("{action} was not asked, but {asked:?}")).clone()
    }
}

fn serve(stream: &TcpStream, answer: &dyn Fn(&Request) -> Answer, kept: &Mutex<Vec<Request>>) {
    let Some(request) = read(stream) else { return };
    kept.lock().expect("what was asked").push(request.clone());
    let (status, body) = answer(&request);
    // Status 0: the line goes dead.
    if status == 0 {
        return;
    }
    let mut to = stream;
    let _ = write!(
        to,
        "HTTP/1.1 {status} .\r\nx-amzn-requestid: {REQUEST_ID}\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
}

/// One request, as it stands on the wire.
pub fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut headers = String::new();
    while reader.read_line(&mut headers).ok()? > 2 {}
    let length = headers.lines().find_map(|header| {
        let (name, value) = header.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    });
    let mut body = vec![0; length.unwrap_or(0)];
    reader.read_exact(&mut body).ok()?;
    let parameters = form_urlencoded::parse(&body).into_owned().collect();
    let body = String::from_utf8_lossy(&body).into_owned();
    Some(Request { line: line.trim().to_owned(), headers, body, parameters })
}

/// An error of IAM or STS.
pub fn error(status: u16, code: &str, message: &str) -> Answer {
    let message = message.replace('&', "&amp;").replace('<', "&lt;");
    let body = format!(
        "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error>\
         <Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>\
         <RequestId>{REQUEST_ID}</RequestId></ErrorResponse>"
    );
    (status, body)
}

/// An answer of IAM or STS.
pub fn result(action: &str, inner: &str) -> Answer {
    let body = format!(
        "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">\
         <{action}Result>{inner}</{action}Result>\
         <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>\
         </{action}Response>"
    );
    (200, body)
}

/// `GetCallerIdentity` for this ARN.
pub fn identity(arn: &str) -> Answer {
    let inner =
        format!("<Arn>{arn}</Arn><UserId>AIDAEXAMPLE</UserId><Account>417620938841</Account>");
    result("GetCallerIdentity", &inner)
}

/// `AssumeRole` or `GetSessionToken` with keys of this name.
pub fn session(action: &str, key: &str) -> Answer {
    let inner = format!(
        "<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret-of-{key}</SecretAccessKey>\
         <SessionToken>token-of-{key}</SessionToken>\
         <Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>"
    );
    result(action, &inner)
}
