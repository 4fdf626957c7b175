"""What a rule is, and what it is made of: its check, its card, the changes it proposes, the folders it comes from."""
