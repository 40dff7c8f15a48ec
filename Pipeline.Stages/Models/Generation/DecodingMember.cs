using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Generation;

/// <summary>A model that says what comes next.</summary>
/// <param name="Model">The decoder.</param>
/// <param name="Embed">
/// What goes into the first layer for ids [B, T], where it is more than the model's embeddings and depends on the tokens before (input
/// expansion): [B, T, H]. Given each row by itself, from its first token on. Null: the embeddings.
/// </param>
public sealed record DecodingMember(CausalLm Model, Func<Tensor, Tensor>? Embed = null);
