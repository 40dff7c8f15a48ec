using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Storage;
using Pipeline.Stages.Embeddings;
using Pipeline.Stages.Models;
using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Hypernetworks;

/// <summary>
/// Predicts the embeddings of a new vocabulary. To be used on the device's thread. V source rows, M matrices, D width of the model, R rows.
/// </summary>
internal static class HypernetworkTransfer
{
    /// <summary>The number of tokens in one pass through the network.</summary>
    private const int SliceRows = 16_384;

    /// <summary>[V, M, D] in float32, a model's own embeddings: one matrix where they are tied, otherwise input and output.</summary>
    public static Tensor Source(CausalLm model)
    {
        using var quiet = no_grad();
        Tensor input = model.EmbeddingWeight.detach().to_type(ScalarType.Float32);
        return model.Config.TieWordEmbeddings ? input.unsqueeze(1) : stack([input, model.HeadWeight.detach().to_type(ScalarType.Float32)], 1);
    }

    /// <summary>
    /// [R, M, D] the embeddings of a vocabulary. Special tokens that both sides have get the source's rows, and ids without a token get the mean of
    /// the source's rows. All others are predicted, including those that the source has too.
    /// </summary>
    /// <param name="network">The hypernetwork.</param>
    /// <param name="source_VMD">The model's own embeddings.</param>
    /// <param name="forms">The surface forms of the vocabulary.</param>
    public static Tensor Predict(IHypernetwork network, Tensor source_VMD, SurfaceForms forms)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        Tensor result = empty([forms.Rows, source_VMD.size(1), source_VMD.size(2)], dtype: ScalarType.Float32, device: source_VMD.device);
        for (int at = 0; at < forms.Rows; at += SliceRows)
        {
            using var inner = NewDisposeScope();
            int count = Math.Min(SliceRows, forms.Rows - at);
            Tensor ids = tensor(forms.Ids.AsSpan(at * forms.Length, count * forms.Length).ToArray(), [count, forms.Length], device: source_VMD.device);
            result.narrow(0, at, count).copy_(network.Predict(source_VMD, ids));
        }
        if (forms.Empty.Count > 0)
            result.FillRows(forms.Empty, source_VMD.mean([0]));
        return WithCopies(result, source_VMD, forms).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// The predictions, with the rows of special tokens replaced by those of the source. No gradient flows to the replaced predictions.
    /// </summary>
    public static Tensor WithCopies(Tensor predicted_RMD, Tensor source_VMD, SurfaceForms forms)
    {
        if (forms.Copied.Count == 0)
            return predicted_RMD;
        (long[] rows, long[] from) = ([.. forms.Copied.Keys.Order().Select(r => (long)r)], [.. forms.Copied.OrderBy(p => p.Key).Select(p => (long)p.Value)]);
        using Tensor at = tensor(rows, device: source_VMD.device), of = tensor(from, device: source_VMD.device);
        return predicted_RMD.index_copy(0, at, source_VMD.index_select(0, of));
    }

    /// <summary>A model's embeddings under another tokenizer, predicted by the network in a folder.</summary>
    /// <returns>The input rows, the output rows where the model is not tied, and the surface forms.</returns>
    /// <exception cref="InputException">The network was made for another model or tokenizer.</exception>
    public static (Tensor Input_VH, Tensor? Output_VH, SurfaceForms Forms) Apply(CausalLm model, TextTokenizer source, TextTokenizer target, string folder, IStorage storage)
    {
        using var scope = NewDisposeScope();
        (IHypernetwork network, HypernetworkManifest manifest) = HypernetworkFolder.Load(storage, folder, model.Device);
        using (network)
        {
            Tensor source_VMD = Source(model);
            Require(manifest, source, source_VMD, folder);
            SurfaceForms forms = SurfaceFormBuilder.Of(source, (int)source_VMD.size(0))
                .Build(VocabularyTransfer.BytesOf(target), VocabularyTransfer.Roles(source, target), network.Length, network.Pad);
            Tensor predicted = Predict(network, source_VMD, forms);
            Tensor Matrix(int m) => predicted.select(1, m).contiguous().to_type(model.ComputeType).MoveToOuterDisposeScope();
            return (Matrix(0), manifest.Matrices == 1 ? null : Matrix(1), forms);
        }
    }

    private static void Require(HypernetworkManifest manifest, TextTokenizer source, Tensor source_VMD, string folder)
    {
        if (manifest.SourceTokenizer != source.Fingerprint)
            throw new InputException($"{folder}: the hypernetwork is for a model with tokenizer {manifest.SourceTokenizer[..12]}, but this model has {source.Fingerprint[..12]}; it works for its own model and fine-tunes of it");
        if (manifest.SourceRows != source_VMD.size(0) || manifest.Matrices != source_VMD.size(1) || manifest.Width != source_VMD.size(2))
        {
            throw new InputException(
                $"{folder}: the hypernetwork is for {manifest.Matrices} matrices of {manifest.SourceRows} rows of {manifest.Width}, "
                + $"but this model has {source_VMD.size(1)} of {source_VMD.size(0)} of {source_VMD.size(2)}; it works for its own model and fine-tunes of it");
        }
    }

    private static void FillRows(this Tensor target, IReadOnlyList<int> rows, Tensor row)
    {
        using Tensor at = tensor(rows.Select(r => (long)r).ToArray(), device: target.device);
        target.index_copy_(0, at, row.unsqueeze(0).expand(rows.Count, -1, -1).contiguous());
    }
}
