using Pipeline.Contracts.Definitions;
using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// Makes an embedding matrix for another tokenizer by FVT, or by one of the simpler ways to begin. See <see cref="FvtTransfer"/> and
/// <see cref="EmbeddingStart"/>.
/// </summary>
internal static class VocabularyTransfer
{
    /// <summary>The embeddings of the new vocabulary.</summary>
    /// <param name="source_VH">[source rows, H] the old matrix.</param>
    /// <param name="source">The tokenizer of the old matrix.</param>
    /// <param name="target">The new tokenizer.</param>
    /// <param name="start">How the new rows begin: fvt, mean or random.</param>
    /// <param name="seed">The seed of the rows that are drawn.</param>
    /// <returns>[target vocabulary, H] in the type of the old matrix.</returns>
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

    /// <summary>For each new id that is bos, eos or pad, the old id with the same role.</summary>
    internal static Dictionary<int, int> Roles(TextTokenizer source, TextTokenizer target)
    {
        var roles = new Dictionary<int, int>();
        // The order matters: if one new token has two roles, the first of them decides.
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
