using Pipeline.Stages.Torch;

namespace Pipeline.Stages.Teacher;

/// <summary>The device that computes the teacher. It is the student's, unless the definition gives the teacher one of its own.</summary>
/// <param name="device">The device.</param>
/// <param name="isOwn">Whether this object owns the device and disposes of it.</param>
public sealed class TeacherDevice(TorchDevice device, bool isOwn) : IDisposable
{
    public TorchDevice Device { get; } = device;

    public void Dispose()
    {
        if (isOwn) Device.Dispose();
    }
}
