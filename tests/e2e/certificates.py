"""Certificates for tests, made by openssl(1): an authority, and what it signs."""

import pathlib
import subprocess


def openssl(*words, folder):
    done = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


class Authority:
    def __init__(self, folder, name="authority"):
        self.folder = pathlib.Path(folder)
        self.name = name
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.pem",
                "-addext", "basicConstraints=critical,CA:TRUE", folder=folder)

    @property
    def pem(self):
        return str(self.folder / f"{self.name}.pem")

    def sign(self, name, names="DNS:localhost,IP:127.0.0.1", days=2):
        """The paths of a certificate and its key. `days` below 0: it expired."""
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}\n")
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
                "-keyout", f"{name}.key", "-out", f"{name}.csr", folder=self.folder)
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", self.pem, "-CAkey", f"{self.name}.key", "-CAcreateserial",
                "-days", str(days), "-extfile", f"{name}.ext", "-out", f"{name}.pem", folder=self.folder)
        return str(self.folder / f"{name}.pem"), str(self.folder / f"{name}.key")
