using System.Globalization;

namespace Pipeline.Contracts.Definitions;

/// <summary>A device as a side of a run names it: <c>auto</c>, <c>cpu</c>, <c>cuda</c>, or one of several GPUs, <c>cuda:1</c>.</summary>
public static class DeviceName
{
    public const string Pattern = "^(auto|cpu|cuda(:[0-9]{1,3})?)$";

    public const string Expected = "auto, cpu, cuda, or one GPU such as cuda:1";

    /// <summary>The kind, and the GPU if one is named.</summary>
    public static (DeviceChoice Choice, int? Card) Parse(string name)
    {
        int colon = name.IndexOf(':', StringComparison.Ordinal);
        return (Enum.Parse<DeviceChoice>(colon < 0 ? name : name[..colon], ignoreCase: true), colon < 0 ? null : int.Parse(name[(colon + 1)..], CultureInfo.InvariantCulture));
    }
}
