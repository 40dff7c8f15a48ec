using System.Text.Json;
using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Tasks;

/// <summary>A question of a task, worded.</summary>
/// <param name="Id">Where it came from.</param>
/// <param name="Task">Whose it is.</param>
/// <param name="Prompt">What a model reads, answered questions in front included; of perplexity the text that is judged.</param>
/// <param name="Row">The row as JSON, for whoever looks at the answers.</param>
internal sealed record TaskQuestion(DocumentId Id, TaskFile Task, string Prompt, string Row) : IRecord
{
    DocumentId? IRecord.Id => Id;

    public long Weight => RecordWeight.Overhead + RecordWeight.Of(Prompt) + RecordWeight.Of(Row) + RecordWeight.Of(Target) + Continuations.Sum(RecordWeight.Of);

    /// <summary>Of kinds choices, truths and bias.</summary>
    public ChoiceQuestion? Choice { get; init; }

    /// <summary>For kind perplexity: what is judged after the prompt; null if the prompt itself is judged.</summary>
    public string? Continuation { get; init; }

    /// <summary>Texts whose likelihoods after the prompt are asked for.</summary>
    public IReadOnlyList<string> Continuations => Choice?.Choices ?? (Continuation is { } one ? [one] : []);

    /// <summary>Of kind answer: the right one, as it is compared.</summary>
    public string? Target { get; init; }

    /// <summary>Of kind instructions: what is asked, by name, each with its arguments.</summary>
    public IReadOnlyList<(string Name, JsonElement Arguments)> Asked { get; init; } = [];
}
