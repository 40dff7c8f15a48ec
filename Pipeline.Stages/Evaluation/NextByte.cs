using Pipeline.Stages.Ensembles;
using Pipeline.Stages.Language;
using Pipeline.Stages.Tokenization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pipeline.Stages.Evaluation;

/// <summary>
/// The most likely next byte of a text: argmax over b of Σ p(t | prefix), over the tokens t whose first byte is b. Two models with different tokenizers
/// can be compared by it wherever both begin a token. N positions, S positions of a slice, V rows of the vocabulary, C classes, H hidden size.
/// [N, V] is computed slice by slice and never held as a whole.
/// </summary>
internal static class NextByte
{
    /// <summary>The class of everything that is not a byte of text: special tokens, and unused ids below the largest one.</summary>
    public const short NoByte = 256;

    private const int Classes = NoByte + 1;

    /// <summary>[V] the class of each id. An added token that is not special counts as text, as it does in the boundary mass.</summary>
    public static long[] ClassesOf(TextTokenizer tokenizer)
        => [.. Enumerable.Range(0, tokenizer.VocabularySize).Select(id => !tokenizer.IsSpecial(id) && tokenizer.ByteView(id) is [var first, ..] ? first : (long)NoByte)];

    /// <summary>[N] int64, each a byte or <see cref="NoByte"/>. Rows of the head that belong to no token get no probability.</summary>
    /// <param name="hidden_NH">The hidden states of each member.</param>
    /// <param name="members">The models, which share a tokenizer.</param>
    /// <param name="average">How several models are averaged.</param>
    /// <param name="classes_V">int64, from <see cref="ClassesOf"/>.</param>
    public static Tensor MostLikely(IReadOnlyList<Tensor> hidden_NH, IReadOnlyList<LanguageModel> members, Averaging average, Tensor classes_V)
    {
        using DisposeScope scope = NewDisposeScope();
        long count = hidden_NH[0].size(0), step = Math.Max(1, EnsembleHead.SliceElements / members.Max(m => m.ValidRows));
        var parts = new List<Tensor>();
        for (long start = 0; start < count; start += step)
        {
            using DisposeScope slice = NewDisposeScope();
            long length = Math.Min(step, count - start);
            Tensor[] hidden_SH = [.. hidden_NH.Select(h => h.narrow(0, start, length))];
            Tensor mass_SC = zeros([length, Classes], dtype: ScalarType.Float32, device: classes_V.device);
            if (average.Kind == EnsembleAverage.LogProbability)
                AddMass(mass_SC, EnsembleHead.MeanLogits(hidden_SH, members, average.Weights), classes_V, 1);
            else
            {
                for (int m = 0; m < members.Count; m++)
                    AddMass(mass_SC, EnsembleHead.Logits(hidden_SH[m], members[m], members[m].ValidRows), classes_V, average.Weights[m]);
            }
            parts.Add(mass_SC.argmax(1).MoveToOuterDisposeScope());
        }
        return cat(parts).MoveToOuterDisposeScope();
    }

    private static void AddMass(Tensor mass_SC, Tensor logits_SV, Tensor classes_V, double weight)
    {
        using DisposeScope scope = NewDisposeScope();
        mass_SC.scatter_add_(1, classes_V.narrow(0, 0, logits_SV.size(1)).expand(logits_SV.shape), logits_SV.softmax(1) * weight);
    }
}
