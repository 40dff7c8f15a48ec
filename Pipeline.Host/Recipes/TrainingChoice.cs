using System.Globalization;

namespace Pipeline.Host.Recipes;

/// <summary>How a student is trained so that it fits into memory.</summary>
/// <param name="IsLora">Low-rank updates in place of all weights.</param>
/// <param name="IsCheckpointed">Activations are computed twice in place of being kept.</param>
/// <param name="BatchTokens">Student tokens of one pass.</param>
internal sealed record TrainingChoice(bool IsLora, bool IsCheckpointed, int BatchTokens)
{
    private const int LeastBatch = 1024;

    /// <summary>From the fastest to the one that takes least memory.</summary>
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

    /// <summary>Options of <c>update-student</c> that this stands for, each with a comma before it.</summary>
    public string Options(int stepTokens)
    {
        int accumulate = Math.Max(1, (int)Math.Round((double)stepTokens / BatchTokens));
        return string.Concat(
            IsLora ? ", \"train\": \"lora\", \"lora\": { \"rank\": 64, \"alpha\": 64 }" : "",
            IsCheckpointed ? ", \"activationCheckpointing\": true" : "",
            accumulate > 1 ? string.Create(CultureInfo.InvariantCulture, $", \"accumulate\": {accumulate}") : "");
    }
}
