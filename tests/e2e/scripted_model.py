"""Write a tiny llama model whose next token depends on the last one alone, so that it recites a script.

`python -m tests.e2e.scripted_model TEMPLATE OUTPUT`, with `gguf` and `numpy`.

The attention and the feed-forward layer are zero, so a token's own embedding, which is one-hot, reaches the
output matrix unchanged; there, each token's column points at the token that follows it in the script.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np
from numpy.typing import NDArray

from . import story

HEADS, INNER, EPSILON = 4, 32, 1e-5
CONTROL = ("<|im_start|>", "<|im_end|>", "<|endoftext|>")
END = 256 + CONTROL.index("<|im_end|>")
PIECE = 9
TO_CALLS, TO_ANSWER = ord("\n"), ord("\t")


def script_of_calls() -> str:
    """The tool calls, written as the template shows them to the model."""
    calls = (json.dumps({"name": name, "arguments": given}) for name, given in story.CALLS)
    return "\n".join(f"<tool_call>\n{call}\n</tool_call>" for call in calls)


def byte_names() -> list[str]:
    """The printable character that stands for each byte in this kind of vocabulary."""
    plain = {*range(33, 127), *range(161, 173), *range(174, 256)}
    others = iter(range(256, 512))
    return [chr(byte if byte in plain else next(others)) for byte in range(256)]


def pieces(text: str, taken: set[str]) -> Iterator[str]:
    """Cut a text into pieces that are not in the vocabulary yet, a little longer where needed."""
    while text:
        size = PIECE
        while text[:size] in taken and size < len(text):
            size += 1
        piece, text = text[:size], text[size:]
        taken.add(piece)
        yield piece


def vocabulary() -> tuple[list[str], dict[int, int]]:
    """All tokens, and for each token of the script the one that follows it."""
    names = byte_names()
    tokens = [*names, *CONTROL]
    follows: dict[int, int] = {}
    taken: set[str] = set()
    for start, text in ((TO_CALLS, script_of_calls()), (TO_ANSWER, story.ANSWER)):
        last = start
        for piece in pieces(text, taken):
            follows[last] = len(tokens)
            last = len(tokens)
            tokens.append("".join(names[byte] for byte in piece.encode()))
        follows[last] = END
    if len(set(tokens)) != len(tokens):
        raise SystemExit("the script repeats a piece: change PIECE")
    return tokens, follows


def write(output: str, template: str) -> None:
    """Write the model file."""
    tokens, follows = vocabulary()
    width = -(-len(tokens) // 64) * 64
    writer = gguf.GGUFWriter(output, "llama")
    _describe(writer, len(tokens), width)
    _add_tokenizer(writer, tokens, template)
    _add_tensors(writer, follows, len(tokens), width)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _describe(writer: gguf.GGUFWriter, size: int, width: int) -> None:
    writer.add_name("scripted")
    writer.add_context_length(8192)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(EPSILON)
    writer.add_rope_dimension_count(width // HEADS)
    writer.add_vocab_size(size)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)


def _add_tokenizer(writer: gguf.GGUFWriter, tokens: list[str], template: str) -> None:
    normal, control = gguf.TokenType.NORMAL, gguf.TokenType.CONTROL
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([control if token in CONTROL else normal for token in tokens])
    writer.add_token_merges(["t h"])
    writer.add_bos_token_id(256 + CONTROL.index("<|endoftext|>"))
    writer.add_eos_token_id(END)
    writer.add_add_bos_token(False)
    writer.add_chat_template(template)


def _add_tensors(writer: gguf.GGUFWriter, follows: dict[int, int], size: int, width: int) -> None:
    def add(name: str, tensor: NDArray[np.float64]) -> None:
        writer.add_tensor(f"{name}.weight", tensor.astype(np.float32))

    output = np.zeros((size, width))
    for token in range(size):
        output[follows.get(token, END), token] = 5
    add("token_embd", np.eye(size, width))
    add("output", output)
    for name in ("output_norm", "blk.0.attn_norm", "blk.0.ffn_norm"):
        add(name, np.ones(width))
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        add(f"blk.0.{name}", np.zeros((width, width)))
    for name, shape in (("gate", (INNER, width)), ("up", (INNER, width)), ("down", (width, INNER))):
        add(f"blk.0.ffn_{name}", np.zeros(shape))


if __name__ == "__main__":
    write(sys.argv[2], Path(sys.argv[1]).read_text())
