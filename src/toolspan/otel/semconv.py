"""Every name, unit and bucket that leaves this package; nothing else writes one.

Standard names come from OpenTelemetry's GenAI conventions (repository `semantic-conventions-genai`,
`main` of August 2026 with the changes merged up to October 2026); what they do not name is under `toolspan.`.
"""

from __future__ import annotations

from typing import Final

SCOPE: Final = "toolspan"

# request: inference span and its OpenAI refinement
OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
REQUEST_CHOICE_COUNT: Final = "gen_ai.request.choice.count"
REQUEST_MAX_TOKENS: Final = "gen_ai.request.max_tokens"
REQUEST_TEMPERATURE: Final = "gen_ai.request.temperature"
REQUEST_TOP_P: Final = "gen_ai.request.top_p"
REQUEST_TOP_K: Final = "gen_ai.request.top_k"
REQUEST_FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
REQUEST_PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
REQUEST_SEED: Final = "gen_ai.request.seed"
REQUEST_STOP_SEQUENCES: Final = "gen_ai.request.stop_sequences"
REQUEST_REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
REQUEST_ENCODING_FORMATS: Final = "gen_ai.request.encoding_formats"
REQUEST_PREVIOUS_RESPONSE_ID: Final = "gen_ai.request.previous_response.id"
REQUEST_STREAM_CURSOR: Final = "gen_ai.request.stream_cursor"
EMBEDDINGS_DIMENSION_COUNT: Final = "gen_ai.embeddings.dimension.count"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
CONVERSATION_COMPACTED: Final = "gen_ai.conversation.compacted"
PROMPT_NAME: Final = "gen_ai.prompt.name"
PROMPT_VERSION: Final = "gen_ai.prompt.version"
OUTPUT_TYPE: Final = "gen_ai.output.type"
SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
OPENAI_API_TYPE: Final = "openai.api.type"
OPENAI_REQUEST_SERVICE_TIER: Final = "openai.request.service_tier"

# response
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
RESPONSE_STATUS: Final = "gen_ai.response.status"
RESPONSE_FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
RESPONSE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
OPENAI_RESPONSE_SERVICE_TIER: Final = "openai.response.service_tier"
OPENAI_RESPONSE_SYSTEM_FINGERPRINT: Final = "openai.response.system_fingerprint"
USAGE_INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
USAGE_OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
USAGE_CACHE_READ: Final = "gen_ai.usage.cache_read.input_tokens"
USAGE_CACHE_WRITE: Final = "gen_ai.usage.cache_write.input_tokens"
USAGE_REASONING: Final = "gen_ai.usage.reasoning.output_tokens"
USAGE_TEXT_INPUT: Final = "gen_ai.usage.text.input_tokens"
USAGE_IMAGE_INPUT: Final = "gen_ai.usage.image.input_tokens"
USAGE_AUDIO_INPUT: Final = "gen_ai.usage.audio.input_tokens"
USAGE_TEXT_OUTPUT: Final = "gen_ai.usage.text.output_tokens"
USAGE_IMAGE_OUTPUT: Final = "gen_ai.usage.image.output_tokens"
USAGE_AUDIO_OUTPUT: Final = "gen_ai.usage.audio.output_tokens"
USAGE_TEXT_CACHE_READ: Final = "gen_ai.usage.text.cache_read.input_tokens"
USAGE_IMAGE_CACHE_READ: Final = "gen_ai.usage.image.cache_read.input_tokens"
USAGE_AUDIO_CACHE_READ: Final = "gen_ai.usage.audio.cache_read.input_tokens"
ERROR_TYPE: Final = "error.type"
ERROR_OTHER: Final = "_OTHER"

# content, opt-in
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
TOOL_CALL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"

# tool calls
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"

# log events
DETAILS_EVENT: Final = "gen_ai.client.inference.operation.details"
EXCEPTION_EVENT: Final = "gen_ai.client.operation.exception"
EXCEPTION_TYPE: Final = "exception.type"
EXCEPTION_MESSAGE: Final = "exception.message"
EXCEPTION_STACKTRACE: Final = "exception.stacktrace"

# metrics, the released generation
OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
OPERATION_TIME_TO_FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"
OPERATION_TIME_PER_OUTPUT_CHUNK: Final = "gen_ai.client.operation.time_per_output_chunk"
TOKEN_USAGE: Final = "gen_ai.client.token.usage"
TOKEN_TYPE: Final = "gen_ai.token.type"

# metrics, the next generation
INFERENCE_DURATION: Final = "gen_ai.client.inference.duration"
INFERENCE_TIME_TO_FIRST_CHUNK: Final = "gen_ai.client.inference.time_to_first_chunk"
INFERENCE_TIME_PER_OUTPUT_CHUNK: Final = "gen_ai.client.inference.time_per_output_chunk"
INFERENCE_INPUT_TOKENS: Final = "gen_ai.client.inference.operation.input_tokens"
INFERENCE_OUTPUT_TOKENS: Final = "gen_ai.client.inference.operation.output_tokens"
INFERENCE_USAGE_INPUT: Final = "gen_ai.client.inference.usage.input_tokens"
INFERENCE_USAGE_OUTPUT: Final = "gen_ai.client.inference.usage.output_tokens"
INFERENCE_USAGE_CACHE_READ: Final = "gen_ai.client.inference.usage.cache_read.input_tokens"
INFERENCE_USAGE_CACHE_WRITE: Final = "gen_ai.client.inference.usage.cache_write.input_tokens"
INFERENCE_USAGE_REASONING: Final = "gen_ai.client.inference.usage.reasoning.output_tokens"
TOKEN_MODALITY: Final = "gen_ai.token.modality"

# our own
TOOL_CALLS_COUNT: Final = "toolspan.tool_calls.count"
TOOL_CALLS_NAMES: Final = "toolspan.tool_calls.names"
TOOL_CALLS_INVALID: Final = "toolspan.tool_calls.invalid"
TOOLS_OFFERED: Final = "toolspan.tools.offered"
TOOLS_FINGERPRINT: Final = "toolspan.tools.fingerprint"
TOOLS_SIZE: Final = "toolspan.tools.size"
REQUEST_MESSAGES: Final = "toolspan.request.messages"
REQUEST_TOOL_CHOICE: Final = "toolspan.request.tool_choice"
STREAM_OUTCOME: Final = "toolspan.stream.outcome"
STREAM_CHUNKS: Final = "toolspan.stream.chunks"
CALL_DETECTED_EVENT: Final = "toolspan.tool_call.detected"
CALL_COMPLETED_EVENT: Final = "toolspan.tool_call.completed"
TEXT_STARTED_EVENT: Final = "toolspan.text.started"
CHOICE_INDEX: Final = "toolspan.choice.index"
CALL_INDEX: Final = "toolspan.tool_call.index"
CALL_FRAGMENTS: Final = "toolspan.tool_call.fragments"
CALL_VALID: Final = "toolspan.tool_call.valid"
CALL_CLOSED_BY: Final = "toolspan.tool_call.closed_by"
CALL_TIME_TO_DETECT: Final = "toolspan.tool_call.time_to_detect"
CALL_ARGUMENTS_DURATION: Final = "toolspan.tool_call.arguments.duration"
CALL_ARGUMENTS_SIZE: Final = "toolspan.tool_call.arguments.size"
TOOL_CALLS: Final = "toolspan.tool_calls"
STREAMS: Final = "toolspan.streams"
STREAMS_OPEN: Final = "toolspan.streams.open"
OUTCOME: Final = "toolspan.outcome"

# our own: the loop around the answers
CALL_ANSWERED_EVENT: Final = "toolspan.tool_call.answered"
CALL_TURNAROUND: Final = "toolspan.tool_call.turnaround"
TOOLS_CHANGED_EVENT: Final = "toolspan.tools.changed"
TOOLS_FINGERPRINT_BEFORE: Final = "toolspan.tools.fingerprint.before"
CONTEXT_REDUCED_EVENT: Final = "toolspan.context.reduced"
CONTEXT_MESSAGES_BEFORE: Final = "toolspan.context.messages.before"
CONTEXT_TOKENS_BEFORE: Final = "toolspan.context.tokens.before"
RETRY_EVENT: Final = "toolspan.retry"
RETRY_ATTEMPT: Final = "toolspan.retry.attempt"
RETRY_WAIT: Final = "toolspan.retry.wait"
RETRY_STATUS: Final = "http.response.status_code"
RETRIES: Final = "toolspan.retries"

# our own: cost; the counter `toolspan.cost` is the sum of the amounts
COST: Final = "toolspan.cost"
COST_AMOUNT: Final = "toolspan.cost.amount"
COST_CURRENCY: Final = "toolspan.cost.currency"
COST_SOURCE: Final = "toolspan.cost.source"
COST_INPUT: Final = "toolspan.cost.input"
COST_OUTPUT: Final = "toolspan.cost.output"

# units, in UCUM, which has none for currencies
SECONDS: Final = "s"
BYTES: Final = "By"
TOKENS: Final = "{token}"
CALLS: Final = "{call}"
STREAM: Final = "{stream}"
RETRY: Final = "{retry}"
DOLLARS: Final = "USD"

DURATION_BUCKETS: Final = tuple(0.01 * 2**power for power in range(14))
"""0.01 s to 81.92 s, each twice the one before, as the convention lists them."""
TOKEN_BUCKETS: Final = tuple(4**power for power in range(14))
"""1 to 67 108 864 tokens, each four times the one before, as the convention lists them."""
SIZE_BUCKETS: Final = tuple(4**power for power in range(2, 12))
"""16 B to 4 MiB, for the size of a call's arguments."""
