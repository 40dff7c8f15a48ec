using System.ComponentModel;

namespace Pipeline.Stages.SteeringFits;

/// <summary>What is written in place of an edit, so that the edit can be compared with something that should not work.</summary>
internal enum ControlKind
{
    [Description("The edit itself.")]
    None,

    [Description("The two sides exchanged: what should be kept is dropped. It must do the opposite of the edit.")]
    Exchanged,

    [Description("Random orthonormal bases with the edit's ranks: what any edit of this size does.")]
    Random,
}
