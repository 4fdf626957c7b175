"""What a change does, found by trying it: the certificate."""
