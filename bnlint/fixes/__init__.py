"""From a rule's change to edits of a file: carried out on the LibCST tree, cut down to what differs, written safely."""
