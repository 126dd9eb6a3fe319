"""What detectors' memory is made of: values, lists whose entries are rows, and what keeps both between batches."""
