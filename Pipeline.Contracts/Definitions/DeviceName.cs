using System.Globalization;

namespace Pipeline.Contracts.Definitions;

/// <summary>
/// The names that a definition gives to devices: <c>auto</c>, <c>cpu</c>, <c>cuda</c>, or one of several GPUs, such as <c>cuda:1</c>.
/// </summary>
public static class DeviceName
{
    /// <summary>A regular expression that matches every valid name.</summary>
    public const string Pattern = "^(auto|cpu|cuda(:[0-9]{1,3})?)$";

    /// <summary>The valid names, as an error message lists them.</summary>
    public const string Expected = "auto, cpu, cuda, or one GPU such as cuda:1";

    /// <summary>Reads a name that matches <see cref="Pattern"/>.</summary>
    /// <returns>The kind of device, and the number of the GPU if the name has one.</returns>
    public static (DeviceChoice Choice, int? Card) Parse(string name)
    {
        int colon = name.IndexOf(':', StringComparison.Ordinal);
        return (Enum.Parse<DeviceChoice>(colon < 0 ? name : name[..colon], ignoreCase: true), colon < 0 ? null : int.Parse(name[(colon + 1)..], CultureInfo.InvariantCulture));
    }
}
