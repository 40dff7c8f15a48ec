using System.ComponentModel;

namespace Pipeline.Stages.SteeringFits;

/// <summary>Which of the model's own activations a demonstration is compared with.</summary>
internal enum BaseChoice
{
    [Description("The one from which the model predicted the last token of its own greedy answer, as the paper has it.")]
    Greedy,

    [Description("The one at the prompt's last token: no answer is generated. Another choice than the paper's.")]
    Prompt,

    [Description("The one at the last token of the prompt and of the text in read-demonstrations' base column.")]
    Column,
}
