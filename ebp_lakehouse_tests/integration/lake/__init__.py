"""The lake's promises on a folder and on a real S3 API."""
