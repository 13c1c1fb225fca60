//! Hostile text in answers of AWS, and in a plan file that somebody else made.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};

use super::{HOSTILE, IN_POLICIES, command, document, holds, said, valid_policy};
use crate::desk::Desk;

/// What of it XML can carry.
const IN_XML: &str = "h`\u{7f}\u{9b}2J\u{202e}\u{2066}\u{200b}\u{feff}\u{2028}\u{e0041}q";

/// A stand-in for IAM and STS with one role, whose answers are hostile wherever AWS is free to be.
#[derive(Default)]
struct Aws {
    /// How often the policy was written: before, after, before and so on.
    written: AtomicUsize,
    refuses: AtomicBool,
    texts: [String; 2],
    role: String,
}

impl Aws {
    fn start(self: &Arc<Self>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let aws = Arc::clone(self);
        thread::spawn(move || listener.incoming().flatten().for_each(|stream| aws.serve(&stream)));
        address
    }

    fn serve(&self, stream: &TcpStream) {
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while reader.read_line(&mut head).is_ok_and(|read| read > 2) {}
        let length = head.to_lowercase().lines().find_map(|line| {
            line.strip_prefix("content-length:").and_then(|length| length.trim().parse().ok())
        });
        let mut body = vec![0; length.unwrap_or(0)];
        if reader.read_exact(&mut body).is_err() {
            return;
        }
        let (status, body) = self.answer(&String::from_utf8_lossy(&body));
        let mut to = stream;
        let _ = write!(
            to,
            "HTTP/1.1 {status} .\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
    }

    fn answer(&self, asked: &str) -> (u16, String) {
        let is = |action: &str| asked.contains(&format!("Action={action}&"));
        let xml = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;");
        let result = |action: &str, inner: &str| {
            (
                200,
                format!(
                    "<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><{action}Result>{inner}</{action}Result>\
                 <ResponseMetadata><RequestId>{IN_XML}</RequestId></ResponseMetadata></{action}Response>"
                ),
            )
        };
        if is("GetCallerIdentity") {
            let arn = format!("arn:aws:sts::098765432109:assumed-role/{IN_XML}/{IN_XML}");
            let inner =
                format!("<Arn>{arn}</Arn><UserId>{IN_XML}</UserId><Account>{IN_XML}</Account>");
            return result("GetCallerIdentity", &inner);
        }
        if is("GetRole") {
            let text = &self.texts[self.written.load(Ordering::SeqCst) % 2];
            let inner = format!(
                "<Role><Path>/</Path><RoleName>lake</RoleName><RoleId>AROAEXAMPLEEXAMPLEEX</RoleId><Arn>{}</Arn>\
                 <CreateDate>2026-01-02T03:04:05Z</CreateDate><Description>{IN_XML}</Description>\
                 <AssumeRolePolicyDocument>{}</AssumeRolePolicyDocument>\
                 <Tags><member><Key>{IN_XML}</Key><Value>{IN_XML}</Value></member></Tags></Role>",
                xml(&self.role),
                xml(text),
            );
            return result("GetRole", &inner);
        }
        if is("UpdateAssumeRolePolicy") && !self.refuses.load(Ordering::SeqCst) {
            self.written.fetch_add(1, Ordering::SeqCst);
            return result("UpdateAssumeRolePolicy", "");
        }
        let code = if is("UpdateAssumeRolePolicy") { "MalformedPolicyDocument" } else { IN_XML };
        (
            400,
            format!(
                "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type>\
             <Code>{code}</Code><Message>{IN_XML}</Message></Error><RequestId>{IN_XML}</RequestId></ErrorResponse>"
            ),
        )
    }
}

#[test]
fn hostile_answers_of_aws_and_plans() {
    let desk = Desk::new();
    let role = format!("arn:aws:iam::098765432109:role/{IN_POLICIES}");
    let before = valid_policy();
    let goal = json!({"principal": "arn:aws:iam::123456789012:role/x", "externalId": "an-id"});
    let goals = desk.put("goals.json", json!({"role": role, "allow": [goal]}).to_string());
    let goals = goals.display().to_string();
    let policy = desk.put("policy.json", &before).display().to_string();
    let planned = document(&mut command(&desk, &["policy", "plan", &policy, "--goals", &goals]));
    let after = planned["after"].as_str().expect("a text").to_owned();
    let aws = Arc::new(Aws { texts: [before, after], role: role.clone(), ..Aws::default() });
    let address = aws.start();
    let reached = |words: &[&str]| {
        let mut command = command(&desk, &[&["policy"], words].concat());
        command.env("AWS_ENDPOINT_URL", &address);
        command
    };
    let page = |words: &[&str]| said(&mut reached(words));

    for words in [
        &["validate", &role][..],
        &["lint", &role],
        &["matrix", &role],
        &["diff", &role, &policy],
        &["plan", &role, "--goals", &goals],
        &["lint", "arn:aws:iam::098765432109:role/other"],
    ] {
        page(words);
        document(&mut reached(words));
    }

    let file = desk.path("plan.json").display().to_string();
    let (out, _) = page(&["plan", &role, "--goals", &goals, "--out", &file]);
    assert!(out.contains("As arn:aws:sts::098765432109:assumed-role/h"), "{out}");
    let mut plan: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    for key in ["id", "made", "by", "restores"] {
        plan[key] = json!(HOSTILE);
    }
    for call in plan["calls"].as_array_mut().unwrap() {
        (call["call"], call["what"]) = (json!(HOSTILE), json!(HOSTILE));
    }
    plan["cells"][0]["principal"] = json!(HOSTILE);
    plan["cells"][0]["externalId"] = json!(HOSTILE);
    fs::write(&file, plan.to_string()).unwrap();

    aws.refuses.store(true, Ordering::SeqCst);
    let (_, err) = page(&["apply", &file]);
    assert!(err.contains("code policy_refused"), "{err}");
    aws.refuses.store(false, Ordering::SeqCst);
    let (out, err) = page(&["apply", &file]);
    assert!(out.contains("has the new trust policy"), "{out}{err}");
    assert!(
        err.contains(r"\u{9b}2J\u{202e}") && err.contains("The file lists other calls"),
        "{err}"
    );
    let (out, _) = page(&["history"]);
    assert!(out.contains("refused") && out.contains(r"\u{9b}2J"), "{out}");
    let history = document(&mut reached(&["history"]));
    assert!(holds(&history, &role), "{history}");
    let change = history["changes"][0]["id"].as_str().expect("a change").to_owned();
    let restored = document(&mut reached(&["restore", &change]));
    assert_eq!(restored["change"]["state"], "done", "{restored}");
}
