# SPDX-License-Identifier: MIT
"""Objects put, looked at and fetched by clients that others wrote: curl's own Signature Version 4, aws-cli, s3cmd, rclone. They
sign in the header, with the cloud's own key, and write into the bucket of processed files, which asks for no promise. Those
that are not here are skipped by name: pip install awscli, apt-get install s3cmd rclone."""
import hashlib
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "lib"))
import s3_sign  # noqa: E402
from headgate_test import Skip, clean_env, main  # noqa: E402
from s3 import encode_key  # noqa: E402

BUCKET = "headgate-processed"
KEYS = ["plain.bin", "a b/plus+and ü/=~'(1)!.txt"]
SIZES = (0, 12, 3_000_000)  # the last one above the size from which clients ask with Expect


class Client:
    """The program `name` in an environment with the cloud's key; what it leaves lies in the test's folder."""

    def __init__(self, place, name):
        self.place, self.program = place, shutil.which(name)
        if not self.program:
            raise Skip(f"there is no {name} here")
        self.cloud = place.cloud("--rate", "0")
        self.access, self.secret = s3_sign.url_key(self.cloud.data)
        self.env = clean_env(place.dir, AWS_ACCESS_KEY_ID=self.access, AWS_SECRET_ACCESS_KEY=self.secret, AWS_DEFAULT_REGION="us-east-1",
                             AWS_EC2_METADATA_DISABLED="true", RCLONE_CONFIG="/dev/null", RCLONE_CONFIG_HG_TYPE="s3",
                             RCLONE_CONFIG_HG_PROVIDER="Other", RCLONE_CONFIG_HG_ENDPOINT=self.cloud.url, RCLONE_CONFIG_HG_REGION="us-east-1",
                             RCLONE_CONFIG_HG_ACCESS_KEY_ID=self.access, RCLONE_CONFIG_HG_SECRET_ACCESS_KEY=self.secret,
                             RCLONE_S3_NO_CHECK_BUCKET="true")

        if self.run("--version").code != 0:  # a shim, or of another machine
            raise Skip(f"{name} does not run here")

    def run(self, *words):
        return self.place.run([self.program, *words], self.env, 120)

    def good(self, *words):
        got = self.run(*words)
        assert got.code == 0, got
        return got.out + got.err


def round_trips(client, put, get):
    """put(file, key) and get(key, file) with each key and size; a second put must fail and change nothing."""
    for number, size in enumerate(SIZES):
        sent, back = client.place.dir / "sent", client.place.dir / "back"
        data = bytes(range(256)) * (size // 256 + 1)
        sent.write_bytes(data[:size])
        for key in KEYS:
            key = f"{number}/{key}"
            put(sent, key)
            assert client.cloud.object(key) == data[:size], key
            back.unlink(missing_ok=True)
            get(key, back)
            assert back.read_bytes() == data[:size], key
    return f"{len(SIZES) - 1}/{KEYS[0]}", data[:size]


def test_curl(place):
    client = Client(place, "curl")

    def curl(*words):
        return client.good("-sS", "--fail", "--noproxy", "*", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{client.access}:{client.secret}", *words)

    def url(key):  # curl 7.88 signs the path as it stands
        return f"{client.cloud.url}/{BUCKET}/{encode_key(key)}"

    key, data = round_trips(client, lambda file, key: curl("-T", file, "-H", f"x-amz-content-sha256: {hashlib.sha256(file.read_bytes()).hexdigest()}", url(key)),
                            lambda key, file: curl("-o", file, "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", url(key)))
    assert curl("-r", "5-9", "-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD", url(key)).encode() == data[5:10]


def test_aws_cli(place):
    client = Client(place, "aws")

    def aws(*words):
        return client.good("--endpoint-url", client.cloud.url, *words)

    def of(key):
        return "--bucket", BUCKET, "--key", key

    key, data = round_trips(client, lambda file, key: aws("s3api", "put-object", *of(key), "--body", file), lambda key, file: aws("s3api", "get-object", *of(key), file))
    assert f'"ContentLength": {len(data)}' in aws("s3api", "head-object", *of(key))
    aws("s3", "cp", place.dir / "sent", f"s3://{BUCKET}/by-cp")
    assert client.cloud.object("by-cp") == data
    again = client.run("--endpoint-url", client.cloud.url, "s3api", "put-object", *of(key), "--body", place.dir / "sent")
    assert again.code != 0 and "PreconditionFailed" in again.err, again
    listed = client.run("--endpoint-url", client.cloud.url, "s3", "ls", f"s3://{BUCKET}/")
    assert listed.code != 0 and "NotImplemented" in listed.err, listed


def test_s3cmd(place):
    client = Client(place, "s3cmd")
    host = client.cloud.url.removeprefix("http://")
    common = ("-c", "/dev/null", f"--access_key={client.access}", f"--secret_key={client.secret}", f"--host={host}", f"--host-bucket={host}", "--no-ssl",
              "--region=us-east-1")

    def s3cmd(*words):
        said = client.good(*common, *words)
        assert "WARNING" not in said, said

    round_trips(client, lambda file, key: s3cmd("put", file, f"s3://{BUCKET}/{key}"), lambda key, file: s3cmd("get", "--force", f"s3://{BUCKET}/{key}", file))


def test_rclone(place):
    client = Client(place, "rclone")
    round_trips(client, lambda file, key: client.good("copyto", "--retries", "1", file, f"hg:{BUCKET}/{key}"),
                lambda key, file: client.good("copyto", "--retries", "1", f"hg:{BUCKET}/{key}", file))


main()
