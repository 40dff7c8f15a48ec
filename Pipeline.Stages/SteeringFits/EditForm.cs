using System.ComponentModel;

namespace Pipeline.Stages.SteeringFits;

/// <summary>How a model is written with its edit.</summary>
public enum EditForm
{
    [Description("Folded into the weights where that is exact, else beside them.")]
    Auto,

    [Description("Folded into the weights; refused where that is not exact.")]
    Fold,

    [Description("Folded into the head for the most likely token alone: probabilities are not the edited model's.")]
    Argmax,

    [Description("Beside the weights, with a Python file that applies it in Hugging Face's library.")]
    Side,
}
