# Hands one message many times to SES, and prints the microseconds of CPU each took.
import resource
import sys

import boto3

endpoint, count = sys.argv[1], int(sys.argv[2])
raw = sys.stdin.buffer.read()
client = boto3.client("sesv2", endpoint_url=endpoint)


def send(number):
    client.send_email(
        FromEmailAddress="camille@atelier.test",
        Destination={"ToAddresses": ["peer@example.org"]},
        Content={"Raw": {"Data": raw}},
        EmailTags=[{"Name": "index", "Value": str(number)}],
    )


def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


send(0)
before = cpu()
for number in range(count):
    send(number)
print((cpu() - before) * 1e6 / count)
