//! The little of PostgreSQL's protocol that making databases takes: one session, one statement after the other.
//!
//! Not a driver: some sixty programs of tests link this crate and no other database's, and would link one for three statements.
//! The messages are those of "Frontend/Backend Protocol" 3.0, in PostgreSQL's manual.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use anyhow::{Context, Result, bail};

/// Version 3.0.
const PROTOCOL: i32 = 3 << 16;
/// How long the server may take for one statement.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long it may take to be connected to.
const CONNECTS_WITHIN: Duration = Duration::from_secs(5);
/// No answer of ours is longer, in bytes.
const LONGEST: usize = 1 << 20;

/// A session.
pub(super) struct Session(TcpStream);

impl Session {
    /// Begins one as `user`, at a server that takes the name alone or with a `password`, shown as it is.
    ///
    /// # Errors
    /// It does not listen, does not take anybody yet, or not this one.
    pub(super) fn open(address: SocketAddr, user: &str, password: &str, database: &str) -> Result<Self> {
        let stream = TcpStream::connect_timeout(&address, CONNECTS_WITHIN)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut session = Self(stream);
        let parameters = format!("user\0{user}\0database\0{database}\0\0");
        // Only the first message has no type.
        session.send(b"", &[&PROTOCOL.to_be_bytes(), parameters.as_bytes()].concat())?;
        session.is_done(password)?;
        Ok(session)
    }

    /// Runs one statement to its end.
    ///
    /// # Errors
    /// The server refuses it, and says why; or it is gone.
    pub(super) fn run(&mut self, statement: &str) -> Result<()> {
        self.send(b"Q", format!("{statement}\0").as_bytes())?;
        self.is_done("").with_context(|| format!("PostgreSQL refuses {statement:?}"))
    }

    /// Sends a message: its type, its length without that, and what it says.
    fn send(&mut self, kind: &[u8], message: &[u8]) -> Result<()> {
        let length = i32::try_from(message.len() + 4)?;
        Ok(self.0.write_all(&[kind, &length.to_be_bytes(), message].concat())?)
    }

    /// Reads until the server waits for the next statement. `Err` has what it complained about.
    fn is_done(&mut self, password: &str) -> Result<()> {
        let mut complaint = None;
        loop {
            let mut head = [0; 5];
            if let Err(error) = self.0.read_exact(&mut head) {
                // Whoever is not let in is told so, and the session ends.
                return Err(complaint.map_or_else(|| error.into(), anyhow::Error::msg));
            }
            let [kind, length @ ..] = head;
            let length = u32::from_be_bytes(length) as usize;
            if !(4..LONGEST).contains(&length) {
                bail!("this is not PostgreSQL");
            }
            let mut body = vec![0; length - 4];
            self.0.read_exact(&mut body)?;
            match kind {
                b'R' => match body[..] {
                    [0, 0, 0, 0] => {} // AuthenticationOk, AuthenticationCleartextPassword
                    [0, 0, 0, 3] => self.send(b"p", format!("{password}\0").as_bytes())?,
                    _ => bail!("the server asks for more than a password"),
                },
                b'E' => complaint = Some(message(&body)),
                b'Z' => return complaint.map_or(Ok(()), |complaint| Err(anyhow::Error::msg(complaint))),
                _ => {}
            }
        }
    }
}

/// What an ErrorResponse says: fields of a letter and a text each, ended by a zero. `M` is for people.
fn message(fields: &[u8]) -> String {
    let mut fields = fields.split(|&byte| byte == 0);
    let message = fields.find_map(|field| field.strip_prefix(b"M"));
    String::from_utf8_lossy(message.unwrap_or(b"an error without a message")).into_owned()
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    const BEGIN: &[u8] = b"\0\0\0\x1c\0\x03\0\0user\0me\0database\0d\0\0";
    const STATEMENT: &[u8] = b"Q\0\0\0\x0dSELECT 1\0";
    const WELCOME: &[u8] = b"R\0\0\0\x08\0\0\0\0S\0\0\0\x08a\0b\0Z\0\0\0\x05I";
    const DONE: &[u8] = b"C\0\0\0\x0dSELECT 1\0Z\0\0\0\x05I";
    const REFUSED: &[u8] = b"E\0\0\0\x17SERROR\0C42P04\0Mno\0\0";

    /// What a session comes to at a server that expects each of these messages, answers with what is beside it, and hangs up.
    fn session(conversation: &'static [(&[u8], &[u8])]) -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            for (expected, answer) in conversation {
                let mut asked = vec![0; expected.len()];
                stream.read_exact(&mut asked).unwrap();
                assert_eq!(asked, *expected);
                stream.write_all(answer).unwrap();
            }
        });
        Session::open(address, "me", "secret", "d")?.run("SELECT 1")
    }

    #[test]
    fn a_statement_is_run() {
        session(&[(BEGIN, WELCOME), (STATEMENT, DONE)]).unwrap();
    }

    #[test]
    fn a_server_that_asks_is_shown_the_password() {
        session(&[(BEGIN, b"R\0\0\0\x08\0\0\0\x03"), (b"p\0\0\0\x0bsecret\0", WELCOME), (STATEMENT, DONE)])
            .unwrap();
        let more = session(&[(BEGIN, b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0")]).unwrap_err();
        assert_eq!(more.to_string(), "the server asks for more than a password");
    }

    #[test]
    fn what_is_refused_is_an_error_with_the_reason() {
        let refused = session(&[(BEGIN, WELCOME), (STATEMENT, REFUSED), (b"", b"Z\0\0\0\x05I")]).unwrap_err();
        assert_eq!(format!("{refused:#}"), "PostgreSQL refuses \"SELECT 1\": no");
        assert_eq!(session(&[(BEGIN, REFUSED)]).unwrap_err().to_string(), "no");
    }

    #[test]
    fn a_server_that_is_gone_or_is_none_is_an_error() {
        assert!(session(&[(BEGIN, WELCOME), (STATEMENT, b"C\0\0\0\x0dSELE")]).is_err());
        assert!(session(&[(BEGIN, b"HTTP/1.1 400 Bad Request\r\n")]).is_err());
    }
}
