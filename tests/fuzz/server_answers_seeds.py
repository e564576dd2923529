#!/usr/bin/env python3
"""Writes first inputs for fuzz_server_answers into a folder: seeds.py FOLDER"""
import json
import pathlib
import sys

STATUS = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 409, "reason": "AlreadyExists", "message": "pods \"a\" exists",
          "details": {"causes": [{"field": "spec.x", "message": "wrong"}]}}
VM = {"kind": "VirtualMachine", "metadata": {"name": "a", "uid": "u", "resourceVersion": "7", "labels": {"k": "v"}, "managedFields": [{}]},
      "spec": {"runStrategy": "Always", "template": {}}, "status": {"conditions": [{"type": "Ready", "status": "True", "message": "m\u001b[2J"}]}}
LIST = {"kind": "VirtualMachineList", "metadata": {"resourceVersion": "9", "continue": ""}, "items": [VM, VM]}
EVENTS = "".join(json.dumps(each) + "\n" for each in (
    {"type": "ADDED", "object": VM}, {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": "8"}}}, {"type": "DELETED", "object": VM},
    {"type": "ERROR", "object": {**STATUS, "code": 410, "reason": "Expired"}}))
HTTP = ("Content-Type: application/json\r\nContent-Length: %d\r\nWarning: 299 - \"old \\\"x\\\"\"\r\nRetry-After: 3\r\n\r\n%s"
        % (len(json.dumps(LIST)), json.dumps(LIST)))
CHUNKED = "HTTP/1.1 429 X\r\nTransfer-Encoding: chunked\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\n5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\nX: y\r\n\r\n"
folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for kind, text in ((0, json.dumps(LIST)), (0, json.dumps(VM)), (1, json.dumps(STATUS)), (2, json.dumps(STATUS)), (2, "404 page not found"),
                   (2, "<html>"), (3, EVENTS), (4, EVENTS), (5, "http://jo:p@proxy:3128\n.a.org,10.0.0.0/8,[::1]:80,*.b.org,2001:db8::/32"),
                   (6, HTTP), (6, CHUNKED), (7, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n")):
    path = folder / f"seed-{kind}-{abs(hash(text)) % 99991}"
    path.write_bytes(bytes([kind, 3]) + text.encode())
