-- A part of borrowed_read and borrowed_behind: rows behind the one that has this order and id.
({order}, {id}) > ($4::{order_type}, $5::{id_type})
