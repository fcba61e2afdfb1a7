"""``init``: a commented ``deploykit.yaml``."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from deploy_kit import files
from deploy_kit.cli.session import Session
from deploy_kit.config.load import FILE_NAME
from deploy_kit.config.sample import sample
from deploy_kit.errors import fail


def run(session: Session) -> int:
    """Write the file; one that exists is overwritten only with ``--force``."""
    file = Path(session.options.file or FILE_NAME)
    text = sample(session.words)
    if session.options.dry_run:
        session.say(text.rstrip("\n"))
        return 0
    if files.is_folder(file):
        raise fail("USAGE-WRITE", str(file), reason=os.strerror(errno.EISDIR))
    try:
        files.write_whole(file, text, new=not session.options.force)
    except FileExistsError:
        raise fail("CONFIG-EXISTS", str(file), commands=(("deploykit", "init", "--force", str(file)),)) from None
    except OSError as error:
        raise fail("USAGE-WRITE", str(file), reason=error.strerror or str(error)) from None
    if session.json:
        session.emit({"file": str(file)})
    else:
        session.say(session.words("cli.init_done", file=file))
    return 0
