using System.Collections.Concurrent;

namespace Pipeline.Stages.Models;

/// <summary>
/// Config keys that do not change what a forward pass computes: names, ids of special tokens, defaults for generation and training, settings of kernels and
/// caches. For all other keys this rule holds: the program supports the key, or its value is null, or the config is refused with a message that names the
/// key. So a user may have to delete a key, but nobody gets wrong numbers without a word.
/// </summary>
internal static class HarmlessKeys
{
    private static readonly ConcurrentDictionary<string, bool> Ignored = new(StringComparer.Ordinal);

    /// <summary>Takes the user's word that keys change nothing, for as long as the process lives.</summary>
    public static void Ignore(IEnumerable<string> keys)
    {
        foreach (string key in keys) Ignored[key] = true;
    }

    /// <summary>Whether the user has said so of a key.</summary>
    public static bool IsIgnored(string key) => Ignored.ContainsKey(key);

    /// <summary>The harmless keys of a text model's config.</summary>
    public static IReadOnlySet<string> Text { get; } = new HashSet<string>(StringComparer.Ordinal)
    {
        "_attn_implementation", "_attn_implementation_autoset", "_attn_implementation_internal", "_commit_hash", "_experts_implementation", "_flash_attn_2_enabled", "_name_or_path",
        "_output_attentions", "architectures", "attn_implementation", "auto_map", "author", "bad_words_ids", "begin_suppress_tokens", "bos_token_id",
        "cache_implementation", "chunk_size_feed_forward", "cross_attention_hidden_size", "decoder_start_token_id", "diversity_penalty", "do_sample",
        "early_stopping", "encoder_no_repeat_ngram_size", "eos_token_id", "exponential_decay_length_penalty", "finetuning_task",
        "forced_bos_token_id", "forced_eos_token_id", "gradient_checkpointing", "id2label", "initializer_range", "is_llama_config", "is_decoder", "is_encoder_decoder",
        "keys_to_ignore_at_inference", "label2id", "length_penalty", "license", "max_length", "max_sequence_length", "max_position_embeddings", "min_length", "model_max_length", "name",
        "no_repeat_ngram_size", "num_beam_groups", "num_beams", "num_labels", "num_return_sequences", "output_attentions", "output_hidden_states",
        "output_router_logits", "output_scores", "pad_token_id", "prefix", "pretraining_tp", "problem_type", "remove_invalid_values", "repetition_penalty",
        "return_dict", "return_dict_in_generate", "sep_token_id", "suppress_tokens", "task_specific_params", "temperature", "tf_legacy_loss",
        "tokenizer_class", "top_k", "top_p", "torchscript", "transformers.js_config", "transformers_version", "typical_p", "unk_token_id",
        "unsloth_fixed", "unsloth_version", "use_bfloat16", "use_cache", "return_for_text_completion", "bos_token", "eos_token", "pad_token", "unk_token",
    };

    /// <summary>The harmless keys next to <c>text_config</c>: also those that concern pictures, because text never passes through these parts.</summary>
    public static IReadOnlySet<string> Wrapper { get; } = new HashSet<string>(Text, StringComparer.Ordinal)
    {
        "boi_token_index", "boi_token_id", "eoi_token_index", "eoi_token_id", "image_token_id", "image_token_index", "mm_tokens_per_image", "vision_config", "processor_class",
    };
}
