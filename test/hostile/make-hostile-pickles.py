"""Makes checkpoints that would run something when unpickled, or that name what no weights need; nothing here runs them.

usage: python make-hostile-pickles.py OUT_DIR   (needs only the standard library)
"""

import pathlib
import sys
import zipfile

out = pathlib.Path(sys.argv[1])


def name(module, attribute):
    return b"c" + module.encode() + b"\n" + attribute.encode() + b"\n"


def text(value):
    return b"X" + len(value).to_bytes(4, "little") + value.encode()


def archive(file, pickle):
    with zipfile.ZipFile(out / file, "w", zipfile.ZIP_STORED) as z:
        for entry, data in (("data.pkl", pickle), ("version", b"3\n")):
            z.writestr(zipfile.ZipInfo("archive/" + entry, (2020, 1, 1, 0, 0, 0)), data)


head, stop = b"\x80\x02", b"."
archive("os-system.pt", head + name("os", "system") + text("touch /tmp/cnnt-edge-was-here") + b"\x85R" + stop)
archive("builtins-eval.pt", head + name("builtins", "eval") + text("1+1") + b"\x85R" + stop)
archive("linear-module.pt", head + name("torch.nn.modules.linear", "Linear") + b")\x81}b" + stop)
archive("reduce-of-text.pt", head + text("call me") + b")R" + stop)
archive("stack-global.pt", b"\x80\x04" + text("subprocess") + text("Popen") + b"\x93" + text("id") + b"\x85R" + stop)
archive("reduce-storage.pt", head + name("torch", "FloatStorage") + b")R" + stop)
archive("deep.pt", head + b"(" * 2_000 + stop)
archive("huge-string.pt", head + b"X\xff\xff\xff\x7f" + stop)
