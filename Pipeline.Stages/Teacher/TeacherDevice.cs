using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Teacher;

/// <summary>Where the teacher computes: the student's device, unless a definition gives it one of its own.</summary>
/// <param name="device">The device.</param>
/// <param name="isOwn">Whether this object frees it.</param>
public sealed class TeacherDevice(TorchDevice device, bool isOwn) : IDisposable
{
    public TorchDevice Device { get; } = device;

    public void Dispose()
    {
        if (isOwn) Device.Dispose();
    }
}
