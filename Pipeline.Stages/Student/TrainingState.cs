using System.Text.Json;
using Pipeline.Contracts.Errors;
using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Student;

/// <summary>
/// Where training stands, apart from weights and optimizer. Every random draw of the update is a function of the seed and of the position, so
/// there is no other random state to keep.
/// </summary>
/// <param name="Step">Steps done, skipped ones included.</param>
/// <param name="Position">Where the order of examples continues.</param>
/// <param name="Skipped">Steps that changed nothing because a loss or gradient was not finite.</param>
/// <param name="Threads">CPU threads of the maths: another number rounds differently.</param>
/// <param name="Rule">State of the rule that combines objectives; empty for most.</param>
internal sealed record TrainingState(long Step, StreamPosition Position, long Skipped, int Threads, double[] Rule)
{
    public string ToJson() => JsonSerializer.Serialize(this, Options);

    /// <exception cref="InputException">It is not what this program writes.</exception>
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
