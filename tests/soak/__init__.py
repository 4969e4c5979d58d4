"""Whether a process that makes very many calls keeps anything of them."""
