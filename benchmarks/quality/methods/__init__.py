"""Methods that are compared, a file each: whatever stands here is found and listed."""
