using Pipeline.Contracts.Errors;
using Pipeline.Stages.Models;
using static TorchSharp.torch;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>Makes a hypernetwork before training. It depends only on the options, the seed and the model's own embeddings.</summary>
internal static class HypernetworkFactory
{
    /// <summary>The number of extra embeddings, one for each byte. They serve bytes that the source tokenizer has no token for.</summary>
    private const int Bytes = 256;

    /// <summary>Makes a network with initial weights.</summary>
    /// <param name="options">The architecture and its sizes.</param>
    /// <param name="source_VMD">[V, M, D] float32, the embeddings of the model that the network will work for.</param>
    /// <param name="seed">The seed of the weights.</param>
    /// <exception cref="DefinitionException">The hidden size is not a multiple of the number of heads.</exception>
    public static IHypernetwork Create(NetworkOptions options, Tensor source_VMD, long seed)
    {
        int matrices = (int)source_VMD.size(1), width = (int)source_VMD.size(2), hidden = HiddenSize(options, width);
        if (FaultOf(options, width) is { } fault)
            throw new DefinitionException(fault);
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        return options.Architecture == NetworkArchitecture.Residual
            ? Residual(options, source_VMD, matrices, width, hidden, seed)
            : Zett(options, source_VMD, matrices, width, hidden, seed);
    }

    /// <summary>What keeps the options from being a network for embeddings of this width; null if nothing does.</summary>
    public static string? FaultOf(NetworkOptions options, int width) => HiddenSize(options, width) % options.Heads == 0 ? null
        : $"the hypernetwork's hiddenSize {HiddenSize(options, width)} is not a multiple of its heads, {options.Heads}; change one of them";

    private static int HiddenSize(NetworkOptions options, int width) => options.HiddenSize ?? Math.Max(width, 128);

    private static ResidualNetwork Residual(NetworkOptions options, Tensor source_VMD, int matrices, int width, int hidden, long seed)
    {
        var weights = new List<(string, Tensor)>();
        double deviation = Math.Sqrt(0.5 / hidden);
        void Kernel(string name, long from, long to, bool zero = false)
        {
            weights.Add(($"{name}.kernel", zero ? zeros(from, to) : WeightInitializer.Normal([from, to], deviation, seed, name)));
            weights.Add(($"{name}.bias", zeros(to)));
        }
        void Norm(string name)
        {
            weights.Add(($"{name}.scale", ones(hidden)));
            weights.Add(($"{name}.bias", zeros(hidden)));
        }
        (Tensor W, Tensor B) into = ChannelScale.To(source_VMD, full_like(source_VMD[0], Math.Sqrt(2.0 / width)).unsqueeze(0), zeros_like(source_VMD[0]).unsqueeze(0));
        (Tensor W, Tensor B) outOf = ChannelScale.Inverse(into);
        weights.AddRange([("in_rescaler.w", into.W.unsqueeze(0)), ("in_rescaler.b", into.B.unsqueeze(0)), ("out_rescaler.w", outOf.W), ("out_rescaler.b", outOf.B)]);
        weights.Add((ResidualNetwork.Extra, ExtraEmbeddings(source_VMD, seed)));
        weights.Add((ResidualNetwork.Positions, WeightInitializer.Normal([options.MaxPieces, hidden], Math.Sqrt(1.0 / hidden), seed, ResidualNetwork.Positions)));
        Kernel("input_linear", (long)matrices * width, hidden);
        for (int i = 0; i < options.Layers; i++)
        {
            string layer = $"transformer.layers_{i}";
            if (options.Attention)
            {
                foreach (string which in new[] { "query", "key", "value" })
                    Kernel($"{layer}.self_attention.{which}", hidden, hidden);
                Norm($"{layer}.post_attention_layernorm");
            }
            Kernel($"{layer}.mlp.intermediate", hidden, (long)hidden * options.Expansion);
            Kernel($"{layer}.mlp.output", (long)hidden * options.Expansion, hidden);
            Norm($"{layer}.post_mlp_layernorm");
        }
        // Zero, so that training begins at the residual.
        Kernel("output_linear", hidden, (long)matrices * width, zero: options.Residual != FormPooling.None);
        var shape = new ResidualNetworkShape(
            options.Heads, options.Layers, options.Epsilon, options.Residual, options.Alpha ?? Math.Sqrt(2), options.Pooling, options.Attention);
        return new ResidualNetwork(shape, new NetworkWeights(weights, source_VMD.device));
    }

    private static ZettNetwork Zett(NetworkOptions options, Tensor source_VMD, int matrices, int width, int hidden, long seed)
    {
        int inner = hidden * options.Expansion;
        var weights = new List<(string Name, Tensor Value)>();
        void Linear(string name, long from, long to)
        {
            weights.Add(($"{name}.weight", WeightInitializer.Normal([to, from], 0.02, seed, name)));
            weights.Add(($"{name}.bias", zeros(to)));
        }
        void Norm(string name)
        {
            weights.Add(($"{name}.weight", ones(hidden)));
            weights.Add(($"{name}.bias", zeros(hidden)));
        }
        void Block(string name)
        {
            Linear($"{name}.dense1", hidden, inner);
            Linear($"{name}.dense2", inner, hidden);
            Norm($"{name}.ln");
        }
        Tensor flat = source_VMD.reshape(source_VMD.size(0), -1);
        (Tensor W, Tensor B) into = ChannelScale.To(flat, full_like(flat[0], 0.02).unsqueeze(0), zeros_like(flat[0]).unsqueeze(0));
        weights.AddRange([("in_scaler.w", into.W), ("in_scaler.b", into.B)]);
        weights.Add(("fallback_embeddings.weight", WeightInitializer.Normal([Bytes, (long)matrices * width], 0.02, seed, "fallback_embeddings")));
        Linear("input_projection.0", (long)matrices * width, hidden);
        Block("input_projection.1");
        weights.Add(("model.embeddings.position_embeddings.weight", WeightInitializer.Normal([options.MaxPieces, hidden], 0.02, seed, "position_embeddings")));
        weights.Add(("model.embeddings.token_type_embeddings.weight", zeros(1, hidden)));
        Norm("model.embeddings.LayerNorm");
        for (int i = 0; i < options.Layers; i++)
        {
            foreach (string which in new[] { "query", "key", "value", "attn_dense" })
                Linear($"model.layer.{i}.{which}", hidden, hidden);
            Linear($"model.layer.{i}.intermediate", hidden, inner);
            Linear($"model.layer.{i}.output", inner, hidden);
            Norm($"model.layer.{i}.ln1");
            Norm($"model.layer.{i}.ln2");
        }
        string[] heads = matrices == 1 ? ["output_projection"] : ["output_projection", "output_projection_out"];
        foreach (string head in heads)
        {
            Block($"{head}.0");
            Linear($"{head}.1", hidden, width);
        }
        var shape = new ZettNetworkShape(options.Heads, options.Layers, width, matrices, options.MaxPieces);
        return new ZettNetwork(shape, WithOutputScalers(shape, weights, source_VMD));
    }

    /// <summary>
    /// Adds output scalers, so that the predictions for single source tokens have the mean and the deviation of the source's own embeddings.
    /// </summary>
    private static NetworkWeights WithOutputScalers(ZettNetworkShape shape, List<(string Name, Tensor Value)> weights, Tensor source_VMD)
    {
        using var plain = new ZettNetwork(shape, new NetworkWeights(weights, source_VMD.device));
        long rows = Math.Min(source_VMD.size(0), 4096);
        Tensor forms = full(rows, shape.Length, (long)shape.Pad, dtype: ScalarType.Int64, device: source_VMD.device);
        forms.select(1, 0).copy_(arange(rows, dtype: ScalarType.Int64, device: source_VMD.device));
        (Tensor W, Tensor B) scale = ChannelScale.ToRows(plain.Predict(source_VMD, forms), source_VMD);
        string[] names = shape.Matrices == 1 ? ["scaler"] : ["scaler", "out_scaler"];
        for (int m = 0; m < names.Length; m++)
            weights.AddRange([($"{names[m]}.w", scale.W.select(1, m)), ($"{names[m]}.b", scale.B.select(1, m))]);
        return new NetworkWeights(weights, source_VMD.device);
    }

    /// <summary>[256, M, D] drawn from the normal distribution of the source's rows.</summary>
    private static Tensor ExtraEmbeddings(Tensor source_VMD, long seed)
    {
        Tensor draw = WeightInitializer.Normal([Bytes, source_VMD.size(1), source_VMD.size(2)], 1, seed, ResidualNetwork.Extra).to(source_VMD.device);
        return draw * source_VMD.std([0], unbiased: false, keepdim: true) + source_VMD.mean([0], keepdim: true);
    }
}
