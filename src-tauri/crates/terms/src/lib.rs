//! The types that every other crate shares: an error, a finding, an ARN, the name of a table and the type of
//! a column, and [`Shown`], the only form of text that may reach a terminal, a page or a log.
//!
//! They hold data and the rules that keep the data well formed. The crate reads no file, asks no service and
//! has no policy or table logic: that belongs to the crate whose subject it is.
//!
//! An error says what failed, on what, and what to do next. Text from outside cannot end a quoted value or
//! move a cursor in it:
//!
//! ```
//! use headgate_terms::{Error, say};
//!
//! let role = "writer`\u{1b}[2J";
//! let error = Error::new("role_not_found", say!("There is no role `{}`.", role))
//!     .hint("Check its name and the account.")
//!     .field("role");
//!
//! assert_eq!(error.message.as_str(), r"There is no role `writer\u{60}\u{1b}[2J`.");
//! assert_eq!(error.code, "role_not_found");
//! assert!(!error.retryable);
//! ```

mod arn;
mod error;
mod finding;
mod shown;
mod table;

pub use arn::{Arn, NoArn, is_account_id};
pub use error::{Error, Result};
pub use finding::{Evidence, Finding, FindingStatus, Fix, Range, Severity};
pub use shown::{Cleaned, Say, Shown, acts, grouped, shell_word, takes_arguments_only};
pub use table::{Column, ColumnType, TableName};
