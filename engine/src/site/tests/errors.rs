//! Each kind of error in one table: where it points, which field it names, what it says.

use super::load;
