//! What to type on this machine.

use std::fs;

/// The family of the operating system, which decides the name of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fix {
    Debian,
    Fedora,
    Arch,
    Suse,
    Alpine,
    OtherUnix,
    MacOs,
    Windows,
}

impl Fix {
    pub(super) fn for_this_machine() -> Self {
        if cfg!(windows) {
            return Self::Windows;
        }
        if cfg!(target_os = "macos") {
            return Self::MacOs;
        }
        Self::of_os_release(&fs::read_to_string("/etc/os-release").unwrap_or_default())
    }

    /// From `ID` and `ID_LIKE` of os-release(5).
    fn of_os_release(text: &str) -> Self {
        let ids = text
            .lines()
            .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
            .flat_map(|value| value.trim_matches('"').split(' '));
        ids.map(|id| match id {
            "debian" | "ubuntu" => Self::Debian,
            "fedora" | "rhel" | "centos" => Self::Fedora,
            "arch" => Self::Arch,
            "suse" | "opensuse" => Self::Suse,
            "alpine" => Self::Alpine,
            _ => Self::OtherUnix,
        })
        .find(|&fix| fix != Self::OtherUnix)
        .unwrap_or(Self::OtherUnix)
    }

    pub(super) fn c_compiler(self) -> String {
        match self {
            Self::Debian => "sudo apt install build-essential",
            Self::Fedora => "sudo dnf install gcc",
            Self::Arch => "sudo pacman -S base-devel",
            Self::Suse => "sudo zypper install gcc",
            Self::Alpine => "apk add build-base",
            Self::OtherUnix => "install gcc or clang with your package manager",
            Self::MacOs => "xcode-select --install",
            Self::Windows => {
                "install the \"Desktop development with C++\" of https://visualstudio.microsoft.com/visual-cpp-build-tools/"
            }
        }
        .to_owned()
    }

    pub(super) fn git(self) -> String {
        self.package("git", "winget install Git.Git")
    }

    pub(super) fn docker(self) -> String {
        match self {
            Self::MacOs | Self::Windows => {
                "install and start Docker Desktop or any engine with its API".to_owned()
            }
            Self::Debian => "sudo apt install docker.io, and add yourself to the group docker".to_owned(),
            _ => "install Docker, start its service, and add yourself to the group docker".to_owned(),
        }
    }

    pub(super) fn compose(self) -> String {
        match self {
            Self::MacOs | Self::Windows => "Docker Desktop has it".to_owned(),
            Self::Debian => "sudo apt install docker-compose".to_owned(),
            _ => "install the plugin: https://docs.docker.com/compose/install/".to_owned(),
        }
    }

    pub(super) fn kubectl(self) -> String {
        // Debian's is older than what our manifests are written for.
        match self {
            Self::MacOs => "brew install kubectl",
            Self::Windows => "winget install Kubernetes.kubectl",
            _ => "https://kubernetes.io/docs/tasks/tools/",
        }
        .to_owned()
    }

    pub(super) fn chromium(self) -> String {
        match self {
            Self::Debian => "sudo apt install chromium chromium-driver".to_owned(),
            _ => self.package("chromium", "winget install Google.Chrome"),
        }
    }

    fn package(self, name: &str, windows: &str) -> String {
        match self {
            Self::Debian => format!("sudo apt install {name}"),
            Self::Fedora => format!("sudo dnf install {name}"),
            Self::Arch => format!("sudo pacman -S {name}"),
            Self::Suse => format!("sudo zypper install {name}"),
            Self::Alpine => format!("apk add {name}"),
            Self::OtherUnix => format!("install {name} with your package manager"),
            Self::MacOs => format!("brew install {name}"),
            Self::Windows => windows.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_distribution_is_known_by_what_it_is_like() {
        assert_eq!(Fix::of_os_release("ID=debian\n"), Fix::Debian);
        assert_eq!(Fix::of_os_release("NAME=Mint\nID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"), Fix::Debian);
        assert_eq!(Fix::of_os_release("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\n"), Fix::Fedora);
        assert_eq!(Fix::of_os_release("ID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\n"), Fix::Suse);
        assert_eq!(Fix::of_os_release("ID=nixos\n"), Fix::OtherUnix);
        assert_eq!(Fix::of_os_release(""), Fix::OtherUnix);
    }
}
