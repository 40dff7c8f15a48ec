using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Student;

/// <summary>
/// The position of a training run, apart from the weights and the optimizer's state. Every random draw of the update is a function of the seed and of
/// this position, so there is no other random state to keep.
/// </summary>
/// <param name="Step">The number of steps done, skipped ones included.</param>
/// <param name="Position">Where the order of examples continues.</param>
/// <param name="Skipped">The number of steps that changed nothing because a loss or the gradient was not finite.</param>
/// <param name="Threads">The number of CPU threads that torch computes with. With another number, results are rounded differently.</param>
/// <param name="Rule">The state of the rule that combines the objectives; empty for most rules.</param>
internal sealed record TrainingState(long Step, StreamPosition Position, long Skipped, int Threads, double[] Rule)
{
    public string ToJson() => JsonSerializer.Serialize(this, Options);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <param name="json">The text of the file.</param>
    /// <param name="source">The file's name, for the error.</param>
    /// <exception cref="InputException">The text is not such a state.</exception>
    public static TrainingState Parse(string json, string source)
    {
        try
        {
            return JsonSerializer.Deserialize<TrainingState>(json, Options) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            throw new InputException($"{source}: the state of training is not readable ({e.Message}); delete the checkpoint and run again: an older one is used then", e);
        }
    }

    private static readonly JsonSerializerOptions Options = new(JsonSerializerDefaults.Web) { WriteIndented = true };
}
