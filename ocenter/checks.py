"""System checks: settings that would hurt later are refused at the start. Ids are stable; operators search for them."""
