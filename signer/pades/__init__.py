"""PDF signatures: our own embedder, the strict gate for files of our own making, and the judgement of strangers' files.

Which module for what: `embed` puts a CMS into a PDF that policy_render made; `shape` and `verify` judge such a file in
a worker, without a PDF parser; `inspector` asks the inspector process about every other file. `foreign`, `inspection`
and `inspector_process` run in that process alone: nothing else may open a stranger's PDF.
"""
