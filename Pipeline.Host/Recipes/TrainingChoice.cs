using System.Globalization;

namespace Pipeline.Host.Recipes;

/// <summary>A way to train a student, which decides how much memory is needed.</summary>
/// <param name="IsLora">Whether low-rank updates are trained instead of all weights.</param>
/// <param name="IsCheckpointed">Whether activations are computed again in the backward pass instead of being kept.</param>
/// <param name="BatchTokens">The student tokens of one pass.</param>
internal sealed record TrainingChoice(bool IsLora, bool IsCheckpointed, int BatchTokens)
{
    private const int LeastBatch = 1024;

    /// <summary>The choices, from the fastest to the one that needs the least memory.</summary>
    /// <param name="stepTokens">The student tokens of one step of the optimizer.</param>
    /// <param name="longest">The most student tokens of one document. A pass must have room for them.</param>
    /// <param name="hasCard">Whether there is a GPU.</param>
    public static IEnumerable<TrainingChoice> Of(int stepTokens, int longest, bool hasCard)
    {
        int first = Math.Max(longest, Math.Min(stepTokens, hasCard ? 16384 : 8192));
        yield return new(false, false, first);
        foreach (bool lora in new[] { false, true })
        {
            for (int tokens = first; ; tokens /= 2)
            {
                yield return new(lora, true, Math.Max(tokens, longest));
                if (tokens <= Math.Max(longest, LeastBatch))
                    break;
            }
        }
    }

    /// <summary>The options of <c>update-student</c> for this choice, each with a comma before it.</summary>
    public string Options(int stepTokens)
    {
        int accumulate = Math.Max(1, (int)Math.Round((double)stepTokens / BatchTokens));
        return string.Concat(
            IsLora ? ", \"train\": \"lora\", \"lora\": { \"rank\": 64, \"alpha\": 64 }" : "",
            IsCheckpointed ? ", \"activationCheckpointing\": true" : "",
            accumulate > 1 ? string.Create(CultureInfo.InvariantCulture, $", \"accumulate\": {accumulate}") : "");
    }
}
