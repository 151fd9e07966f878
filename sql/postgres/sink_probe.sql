-- Whether a text is a value of a type: an error says why it is not.
SELECT $1::text::{type}
