using System.Text.Json;
using Pipeline.Contracts.Records;

namespace Pipeline.Stages.Tasks;

/// <summary>A question of a task, with all texts filled in.</summary>
/// <param name="Id">The row that it was made of.</param>
/// <param name="Task">Its task.</param>
/// <param name="Prompt">What the model reads, with the answered questions in front. For kind perplexity without a target, the text that is judged.</param>
/// <param name="Row">The row as JSON, for those who look at the answers.</param>
internal sealed record TaskQuestion(DocumentId Id, TaskFile Task, string Prompt, string Row) : IRecord
{
    DocumentId? IRecord.Id => Id;

    public long Weight => RecordWeight.Overhead + RecordWeight.Of(Prompt) + RecordWeight.Of(Row) + RecordWeight.Of(Target) + Continuations.Sum(RecordWeight.Of);

    /// <summary>The choices, for kinds choices, truths and bias; null for others.</summary>
    public ChoiceQuestion? Choice { get; init; }

    /// <summary>For kind perplexity, the text after the prompt that is judged; null if the prompt itself is judged.</summary>
    public string? Continuation { get; init; }

    /// <summary>The texts whose likelihoods after the prompt are asked for.</summary>
    public IReadOnlyList<string> Continuations => Choice?.Choices ?? (Continuation is { } one ? [one] : []);

    /// <summary>For kind answer, the right answer, before it is cleaned.</summary>
    public string? Target { get; init; }

    /// <summary>For kind instructions, the names of the instructions, each with its arguments.</summary>
    public IReadOnlyList<(string Name, JsonElement Arguments)> Asked { get; init; } = [];
}
