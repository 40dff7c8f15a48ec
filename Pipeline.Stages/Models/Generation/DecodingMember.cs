using static TorchSharp.torch;

namespace Pipeline.Stages.Models.Generation;

/// <summary>A model that predicts the next token, alone or together with others.</summary>
/// <param name="Model">The decoder.</param>
/// <param name="Embed">
/// Computes the input of the first layer, [1, T, H] of ids [1, T], where it is more than the model's embeddings and depends on earlier tokens (input
/// expansion). It always gets a single row from its first token on, perhaps with padding after it. Null stands for the model's embeddings.
/// </param>
public sealed record DecodingMember(CausalLm Model, Func<Tensor, Tensor>? Embed = null);
