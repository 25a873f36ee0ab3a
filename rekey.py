"""Give the kept records the names they have since runs are named by what decides and stand-ins by their recipe.

    python rekey.py        # once, with the stores of both whole stand-ins made

Every number stays as it is: folders are renamed, the identity of the data and the digest of the code in
`provenance.json` are replaced, and so are the names of runs in the kept chapters and their results.
"""

import json
import shutil

from lib import paths
from lib.sources import processed_store
from lib.training.records import RunConfig, deciding_code, run_id

stores = {dataset: processed_store(dataset) for dataset in ("smic", "casme2_sq")}
renamed = {}
for folder in sorted(paths.CITED_RUNS.iterdir()):
    provenance = json.loads((folder / "provenance.json").read_text(encoding="utf-8"))
    config = RunConfig.from_dict(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    store = stores[provenance["data"]["dataset"]]
    recipe = {name: value for name, value in provenance["data"]["standin"].items() if name != "statement"}
    assert recipe.items() <= dict(store.standin).items(), folder
    assert provenance["data"]["clips"] == len(store.clips), folder
    provenance["data"] |= {"fingerprint": store.fingerprint, "key": store.key, "standin": dict(store.standin)}
    provenance["code"] = deciding_code(config.model)
    (folder / "provenance.json").write_text(
        json.dumps(provenance, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    (folder / "summary.json").unlink(missing_ok=True)
    renamed[folder.name] = run_id(config, store)
assert len(set(renamed.values())) == len(renamed)
for old, new in renamed.items():
    shutil.move(paths.CITED_RUNS / old, paths.CITED_RUNS / f"{new}.new")
for folder in list(paths.CITED_RUNS.iterdir()):
    folder.rename(folder.with_suffix(""))
book = paths.REPOSITORY / "book"
for path in [*(book / "chapters").rglob("*.ipynb"), *(book / "results").rglob("*.json")]:
    text = path.read_text(encoding="utf-8")
    for old, new in renamed.items():
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
print(f"{len(renamed)} records renamed")
