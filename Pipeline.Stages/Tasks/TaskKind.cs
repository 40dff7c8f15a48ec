using System.Text.Json.Serialization;

namespace Pipeline.Stages.Tasks;

/// <summary>What a task asks of a model, and thereby how answers are judged.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<TaskKind>))]
internal enum TaskKind
{
    /// <summary>Is the right one of several continuations the most likely?</summary>
    [JsonStringEnumMemberName("choices")]
    Choices,

    /// <summary>What share of the probability of all continuations do the true ones have?</summary>
    [JsonStringEnumMemberName("truths")]
    Truths,

    /// <summary>The questions of BBQ: how many answers are right, and which way do the others lean?</summary>
    [JsonStringEnumMemberName("bias")]
    Bias,

    /// <summary>The model writes an answer, which is compared with the right one.</summary>
    [JsonStringEnumMemberName("answer")]
    Answer,

    /// <summary>The model writes an answer, whose form is checked against the instructions in the prompt.</summary>
    [JsonStringEnumMemberName("instructions")]
    Instructions,

    /// <summary>How likely are whole texts?</summary>
    [JsonStringEnumMemberName("perplexity")]
    Perplexity,
}
