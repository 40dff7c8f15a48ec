using Pipeline.Contracts.Errors;
using Pipeline.Stages.Tokenization;
using static TorchSharp.torch;

namespace Pipeline.Stages.Embeddings;

/// <summary>
/// Makes the embeddings of a new vocabulary by way of a donor, which is another model that has this vocabulary: OMP or FOCUS. Tokens that the old
/// vocabulary has are copied. Tokens that the donor lacks get the mean of the old rows.
/// </summary>
internal static class DonorTransfer
{
    /// <summary>The largest number of terms of an OMP combination.</summary>
    public const int Terms = 64;

    /// <summary>The embeddings of the new vocabulary.</summary>
    /// <param name="source_VH">[source rows, H] the model's own matrix.</param>
    /// <param name="donor_VP">[target rows, P] the donor's matrix of the same kind, input or output.</param>
    /// <param name="source">The tokenizer of the model's own matrix.</param>
    /// <param name="target">The new tokenizer, which is the donor's.</param>
    /// <param name="focus">FOCUS instead of OMP.</param>
    /// <returns>[target vocabulary, H] in the type of the model's own matrix.</returns>
    /// <exception cref="InputException">The donor and the model have no token in common.</exception>
    public static Tensor Apply(Tensor source_VH, Tensor donor_VP, TextTokenizer source, TextTokenizer target, bool focus)
    {
        using var scope = NewDisposeScope();
        using var quiet = no_grad();
        VocabularyBytes bytes = VocabularyTransfer.BytesOf(target);
        TransferPlan plan = FvtTransfer.Plan(
            VocabularyTransfer.BytesOf(source), (int)source_VH.size(0), bytes, target.VocabularySize, VocabularyTransfer.Roles(source, target), static _ => []);
        Tensor result = EmbeddingTransfer.Apply(source_VH, plan with { RandomTarget = [] }, seed: 0);
        (long Target, long Source)[] shared = [.. plan.CopyTarget.Zip(plan.CopySource).Where(p => bytes.IsText((int)p.First) && p.First < donor_VP.size(0))];
        if (shared.Length == 0)
            throw new InputException("the donor and the model have no token in common; give a donor that shares some tokens with the model");
        Tensor Index(IEnumerable<long> ids) => tensor(ids.ToArray(), device: source_VH.device);
        Tensor shared_NP = donor_VP.index_select(0, Index(shared.Select(s => s.Target))), model_NH = source_VH.index_select(0, Index(shared.Select(s => s.Source)));
        long[] wanted = [.. plan.RandomTarget.Where(id => id < donor_VP.size(0) && id < bytes.Count && bytes.ClassOf((int)id) != TokenClass.None)];
        long[] without = [.. plan.RandomTarget.Except(wanted)];
        if (without.Length > 0)
            result.index_copy_(0, Index(without), source_VH.mean([0], type: ScalarType.Float32).to_type(source_VH.dtype).expand(without.Length, -1).contiguous());
        if (wanted.Length > 0)
        {
            Tensor new_BP = donor_VP.index_select(0, Index(wanted));
            result.index_copy_(0, Index(wanted), focus
                ? FocusTransfer.Apply(shared_NP, new_BP, model_NH)
                : OmpTransfer.Combine(model_NH, OmpTransfer.Choose(shared_NP, new_BP, Terms)));
        }
        return result.MoveToOuterDisposeScope();
    }
}
