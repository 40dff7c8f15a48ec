using System.ComponentModel;

namespace Pipeline.Stages.SteeringFits;

/// <summary>Which of the model's own activations a demonstration is compared with.</summary>
internal enum BaseChoice
{
    [Description("The one from which the model predicted the last token of its own greedy answer, as in the paper.")]
    Greedy,

    [Description("The one at the prompt's last token; no answer is generated. Not the paper's choice.")]
    Prompt,

    [Description("The one at the last token of the prompt followed by the text in the base column of read-demonstrations.")]
    Column,
}
