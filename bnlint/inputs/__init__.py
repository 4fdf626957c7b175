"""What is read: files, chosen by their bytes and decoded; what of them is Python; comments that silence findings."""
