using Pipeline.Contracts.Definitions;
using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Embeddings;

/// <summary>An embedding matrix under another tokenizer: what <see cref="FvtTransfer"/> and the simpler beginnings need of two tokenizers.</summary>
internal static class VocabularyTransfer
{
    /// <param name="source_VH">[source rows, H] the matrix of the source tokenizer.</param>
    /// <param name="source">The tokenizer of the matrix.</param>
    /// <param name="target">The new one.</param>
    /// <param name="start">How rows begin.</param>
    /// <param name="seed">Of the rows that are drawn.</param>
    /// <returns>[target vocabulary, H].</returns>
    public static Tensor Apply(Tensor source_VH, TextTokenizer source, TextTokenizer target, EmbeddingInitialisation start, long seed)
    {
        Dictionary<int, int> roles = Roles(source, target);
        if (start is EmbeddingInitialisation.Mean or EmbeddingInitialisation.Random)
        {
            EmbeddingStart plain = start == EmbeddingInitialisation.Mean ? EmbeddingStart.Mean : EmbeddingStart.Random;
            return EmbeddingTransfer.Apply(source_VH, target.VocabularySize, roles, plain, seed);
        }
        TransferPlan plan = FvtTransfer.Plan(
            BytesOf(source), (int)source_VH.size(0), BytesOf(target), target.VocabularySize, roles, source.EncodeBytes);
        return EmbeddingTransfer.Apply(source_VH, plan, seed);
    }

    /// <summary>Target id to source id of the tokens that play the same role.</summary>
    internal static Dictionary<int, int> Roles(TextTokenizer source, TextTokenizer target)
    {
        var roles = new Dictionary<int, int>();
        // In this order: where one token plays two roles on the target side, it begins as the first of them.
        foreach ((int? from, int? to) in new[] { (source.BosId, target.BosId), (source.EosId, target.EosId), (source.PadId, target.PadId) })
        {
            if (from is { } f && to is { } t) roles.TryAdd(t, f);
        }
        return roles;
    }

    public static VocabularyBytes BytesOf(TextTokenizer tokenizer) => VocabularyBytes.Create(
        tokenizer.VocabularySize,
        tokenizer.ByteView,
        id => tokenizer.IsMark(id) ? TokenClass.Mark : tokenizer.IsByteFallback(id) ? TokenClass.ByteFallback : TokenClass.Text);
}
